import KubeModel

/// `certificates.k8s.io/v1.CertificateSigningRequest`. Who made a request is written by the server; `/approval` changes the
/// conditions `Approved` and `Denied`, `/status` the rest.
struct CertificateSigningRequestStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests", namespaced: false,
        short: ["csr"], hasStatus: true)
    let selectableFieldNames = ["spec.signerName"]
    let partSubresource: String? = "approval"

    private static let ofServer = ["username", "uid", "groups", "extra"]
    /// Conditions that only `/approval` adds; together with Failed, those that nobody takes away.
    private static let decisions = ["Approved", "Denied"]
    private static let shortest = 600
    private static let usages = [
        "any", "cert sign", "client auth", "code signing", "content commitment", "crl sign", "data encipherment",
        "decipher only", "digital signature", "email protection", "encipher only", "ipsec end system", "ipsec tunnel",
        "ipsec user", "key agreement", "key encipherment", "microsoft sgc", "netscape sgc", "ocsp signing",
        "s/mime", "server auth", "signing", "timestamping",
    ]

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(selectableFieldNames, from: object)
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        for key in Self.ofServer { object["spec"][key] = nil }
        for (key, value) in context.user.fields { object["spec"][key] = value }
        object["status"] = [:]
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? [:]
        let path = FieldPath("spec")
        checkRequest(spec.text("request"), path.child("request"), &errors)
        let usages = spec["usages"]?.array ?? []
        if usages.isEmpty { errors.required(path.child("usages"), "usages is required") }
        var seen: Set<String> = []
        for (index, usage) in usages.map({ $0.string ?? "" }).enumerated() {
            errors.oneOf(path.child("usages").index(index), usage, Self.usages)
            if !seen.insert(usage).inserted { errors.duplicate(path.child("usages").index(index), .string(usage)) }
        }
        checkSigner(spec.text("signerName"), path.child("signerName"), &errors)
        if let value = spec.at("expirationSeconds"), let seconds = value.int, seconds < Self.shortest {
            errors.invalid(
                path.child("expirationSeconds"), value,
                "may not specify a duration less than \(Self.shortest) seconds (10 minutes)")
        }
        return errors
    }

    /// What a request asks for is said once: another wish in an update counts for nothing (`csrStrategy`).
    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        object["status"] = old["status"]
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        Self.setTimes(&object, from: old, context.now)
    }

    /// Of `/approval` the conditions count and nothing else.
    func prepareForPartUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        let conditions = object["status"]["conditions"]
        object["spec"] = old["spec"]
        object["status"] = old["status"] ?? [:]
        object["status"]["conditions"] = conditions
        Self.setTimes(&object, from: old, context.now)
    }

    func validatePartUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        checkConditions(object) + checkRemoved(object, old)
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = checkConditions(object) + checkRemoved(object, old) + checkCertificate(object, old)
        for type in Self.decisions where Self.has(type, object) && !Self.has(type, old) {
            errors.forbidden(
                FieldPath("status", "conditions"), "updates may not add a condition of type \(goQuoted(type))")
        }
        return errors
    }

    /// Kubernetes' `populateConditionTimestamps`.
    private static func setTimes(_ object: inout JSONValue, from old: JSONValue, _ now: Timestamp) {
        guard let conditions = object["status"]["conditions"].array else { return }
        let before = old["status"]["conditions"].array ?? []
        object["status"]["conditions"] = .array(
            conditions.map { condition in
                var condition = condition
                if condition.text("lastUpdateTime").isEmpty { condition["lastUpdateTime"] = .string(now.description) }
                if condition.text("lastTransitionTime").isEmpty {
                    let same = before.first {
                        $0.text("type") == condition.text("type") && $0.text("status") == condition.text("status")
                    }
                    condition["lastTransitionTime"] = same?["lastTransitionTime"] ?? .string(now.description)
                }
                return condition
            })
    }

    private static func has(_ type: String, _ object: JSONValue) -> Bool {
        (object["status"]["conditions"].array ?? []).contains { $0.text("type") == type }
    }

    private func checkRemoved(_ object: JSONValue, _ old: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        for type in Self.decisions + ["Failed"] where Self.has(type, old) && !Self.has(type, object) {
            errors.forbidden(
                FieldPath("status", "conditions"), "updates may not remove a condition of type \(goQuoted(type))")
        }
        return errors
    }

    private func checkConditions(_ object: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("status", "conditions")
        var types: Set<String> = []
        for (index, condition) in (object["status"]["conditions"].array ?? []).enumerated() {
            let path = path.index(index)
            let type = condition.text("type")
            if type.isEmpty { errors.required(path.child("type")) }
            if !types.insert(type).inserted { errors.duplicate(path.child("type"), .string(type)) }
            let allowed = ["Approved", "Denied", "Failed"].contains(type) ? ["True"] : ["False", "True", "Unknown"]
            errors.oneOf(path.child("status"), condition.text("status"), allowed)
        }
        if types.isSuperset(of: ["Approved", "Denied"]) {
            errors.invalid(
                path, object["status"]["conditions"] ?? .null, "Approved and Denied conditions are mutually exclusive")
        }
        return errors
    }

    /// A certificate is issued once.
    private func checkCertificate(_ object: JSONValue, _ old: JSONValue) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("status", "certificate")
        let before = old.text("status", "certificate")
        let text = object.text("status", "certificate")
        if text == before { return [] }
        if !before.isEmpty {
            errors.immutable(path, object["status"]["certificate"], old["status"]["certificate"])
        } else if !String(decoding: Base64.decode(text) ?? [], as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") {
            errors.invalid(path, .string(text), "must contain PEM of a CERTIFICATE")
        }
        return errors
    }

    /// PEM of a PKCS #10 request, base64 as all bytes are in JSON. What is inside is the signer's to judge.
    private func checkRequest(_ text: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        let decoded = Base64.decode(text).map { String(decoding: $0, as: UTF8.self) } ?? ""
        if !decoded.contains("-----BEGIN CERTIFICATE REQUEST-----") {
            errors.invalid(
                path, .string(text), "PEM block type must be CERTIFICATE REQUEST")
        }
    }

    /// `domain/path`: a DNS name of at least two labels, and steps that are DNS subdomains themselves.
    private func checkSigner(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        if name.isEmpty { return errors.required(path) }
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, !parts[1].contains("/") else {
            return errors.invalid(
                path, .string(name),
                "must be a fully qualified domain and path of the form 'example.com/signer-name'")
        }
        errors.invalid(path, .string(name), Validation.dns1123Subdomain(parts[0]))
        if !parts[0].contains(".") {
            errors.invalid(path, .string(parts[0]), "should be a domain with at least two segments separated by dots")
        }
        errors.invalid(path, .string(parts[1]), Validation.dns1123Subdomain(parts[1]))
    }
}
