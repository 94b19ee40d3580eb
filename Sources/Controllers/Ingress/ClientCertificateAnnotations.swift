import KubeModel

/// ingress-nginx' annotations about certificates of clients, `auth-tls-*`, and ours of the same names. Pure.
///
/// They guard access: what of them cannot be honoured as it is written closes the routes.
struct ClientCertificateAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.twins([
        "auth-tls-secret", "auth-tls-verify-client", "auth-tls-verify-depth", "auth-tls-error-page",
        "auth-tls-pass-certificate-to-upstream", "auth-tls-match-cn",
    ])

    /// nil where clients need not show anything.
    private(set) var policy: RouteTableClientCertificates?
    /// What is not as it should be and lets nobody in, each a sentence that begins with the annotation's key.
    let problems: [String]
    /// Why no route may be served, as a sentence that others may follow.
    private(set) var refusal: String?
    /// The annotation that names the Secret.
    let secretKey: String

    init(_ annotations: [String: String], namespace: String) {
        var reader = AnnotationReader(twins: annotations)
        secretKey = reader.key("auth-tls-secret")
        let mode = Self.readMode(&reader)
        var policy = RouteTableClientCertificates(mode: mode == "on" ? nil : mode)
        if let text = reader["auth-tls-match-cn"] {
            policy.subjectPattern = text
            // As there, where anything else is passed over, and lets in whoever has a certificate.
            if !text.contains("CN=") { refusal = Self.refusal(&reader, "auth-tls-match-cn", "has no \"CN=\"") }
            if text.utf8.count > 1024 { refusal = Self.refusal(&reader, "auth-tls-match-cn", "is too long") }
            do {
                _ = try TextPattern(usedNow: text)
            } catch {
                refusal = Self.refusal(
                    &reader, "auth-tls-match-cn", "is no regular expression: \(error.message)")
            }
        }
        // 0 is the default, as there.
        if let depth = reader.number("auth-tls-verify-depth", from: 0, to: 100), depth > 0 { policy.depth = depth }
        if let page = reader["auth-tls-error-page"] {
            if RouteTableClientCertificates.isErrorPage(page), !page.contains("$") {
                policy.errorPage = page
            } else {
                reader.refuse("auth-tls-error-page", "is no absolute URL without variables")
            }
        }
        if reader.boolean("auth-tls-pass-certificate-to-upstream") == true { policy.passesCertificate = true }
        if let reference = reader["auth-tls-secret"] {
            switch SecretReference.read(reference, namespace: namespace) {
            case .name(let name): policy.secretName = name
            case .problem(let problem): refusal = Self.refusal(&reader, "auth-tls-secret", problem)
            }
            if mode == "off" {
                if policy.subjectPattern != nil {
                    refusal = Self.refusal(
                        &reader, "auth-tls-match-cn", "matches nobody where no certificate is asked for")
                }
            } else if refusal == nil {
                self.policy = policy
            }
        } else if reader["auth-tls-verify-client"] != nil && mode != "off" || policy.subjectPattern != nil {
            let name = policy.subjectPattern == nil ? "auth-tls-verify-client" : "auth-tls-match-cn"
            refusal = refusal ?? "\(reader.key(name)): there is no auth-tls-secret with the authorities of clients"
        }
        problems = reader.problems
    }

    /// What is not known is taken as `on`, as there.
    private static func readMode(_ reader: inout AnnotationReader) -> String {
        let name = "auth-tls-verify-client"
        guard let text = reader[name] else { return "on" }
        if text == "off" || RouteTableClientCertificates.allModes.contains(text) { return text }
        reader.tell(name, "\(AnnotationReader.quoted(text)) is not known, and taken as on")
        return "on"
    }

    private static func refusal(_ reader: inout AnnotationReader, _ name: String, _ reason: String) -> String {
        "\(reader.key(name)): \(AnnotationReader.quoted(reader[name] ?? "")) \(reason)"
    }
}
