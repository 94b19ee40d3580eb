import KubeModel
import NetworkTypes
import Transport

/// ingress-nginx' annotations about TLS with backends, `proxy-ssl-*`, and ours of the same names. Pure.
///
/// That a backend is verified is meant as a guard: what of it cannot be honoured as it is written closes the routes.
struct BackendTLSAnnotations: Hashable, Sendable {
    private static let names = [
        "proxy-ssl-secret", "proxy-ssl-verify", "proxy-ssl-verify-depth", "proxy-ssl-name", "proxy-ssl-server-name",
        "proxy-ssl-protocols", "proxy-ssl-ciphers",
    ]
    /// All that are read here.
    static let keys = AnnotationReader.twins(names)

    /// nil where nothing is said.
    private(set) var tls: RouteBackendTLS?
    /// What is not as it should be and costs nothing, each a sentence that begins with the annotation's key.
    let problems: [String]
    /// Why no route may be served, as a sentence that others may follow.
    private(set) var refusal: String?
    /// The annotation that names the Secret.
    let secretKey: String
    /// That wants verification.
    let verifyKey: String

    init(_ annotations: [String: String], namespace: String) {
        var reader = AnnotationReader(twins: annotations)
        secretKey = reader.key("proxy-ssl-secret")
        verifyKey = reader.key("proxy-ssl-verify")
        var tls = RouteBackendTLS()
        if let reference = reader["proxy-ssl-secret"] {
            switch SecretReference.read(reference, namespace: namespace) {
            case .name(let name): tls.secretName = name
            case .problem(let problem): refusal = "\(secretKey): \(AnnotationReader.quoted(reference)) \(problem)"
            }
        }
        switch reader["proxy-ssl-verify"] {
        case nil, "off": break
        case "on": tls.verify = true
        case let other?: refusal = "\(verifyKey): \(AnnotationReader.quoted(other)) is neither on nor off"
        }
        // 0 is the default, as there.
        if let depth = reader.number("proxy-ssl-verify-depth", from: 0, to: 100), depth > 0 { tls.depth = depth }
        if let name = reader["proxy-ssl-name"] {
            if IPAddress(name) != nil || Validation.dns1123Subdomain(name.lowercased()).isEmpty {
                tls.serverName = name.lowercased()
            } else {
                refusal = "\(reader.key("proxy-ssl-name")): \(AnnotationReader.quoted(name)) is no host name"
            }
        }
        if reader.word("proxy-ssl-server-name", of: ["on", "off"]) == "on" { tls.sendsServerName = true }
        Self.readProtocols(&reader, &tls, &refusal)
        if let ciphers = reader["proxy-ssl-ciphers"] {
            if RouteBackendTLS.isCipherList(ciphers), TLSPolicy.knowsCiphers(ciphers) {
                tls.ciphers = ciphers
            } else {
                reader.refuse("proxy-ssl-ciphers", "has no cipher that OpenSSL knows")
            }
        }
        problems = reader.problems
        if !tls.isEmpty { self.tls = tls }
    }

    private static func readProtocols(
        _ reader: inout AnnotationReader, _ tls: inout RouteBackendTLS, _ refusal: inout String?
    ) {
        let name = "proxy-ssl-protocols"
        guard let text = reader[name] else { return }
        let words = text.split(separator: " ").map(String.init)
        let old = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1"]
        if let wrong = words.first(where: { !old.contains($0) && !RouteBackendTLS.allProtocols.contains($0) }) {
            return reader.refuse(name, "has \(wrong.prefix(63)), which is not known")
        }
        let spoken = RouteBackendTLS.allProtocols.filter(words.contains)
        guard !spoken.isEmpty else {
            refusal = "\(reader.key(name)): \(AnnotationReader.quoted(text)) has neither TLSv1.2 nor TLSv1.3"
            return
        }
        if words.contains(where: old.contains) { reader.tell(name, "versions before TLSv1.2 are left out") }
        if spoken.count < RouteBackendTLS.allProtocols.count { tls.protocols = spoken }
    }
}
