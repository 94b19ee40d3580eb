import KubeModel

/// What a machine with a bootstrap token may do: ask for a certificate, and see what became of that request.
struct BootstrapAccess {
    let user: String
    let lookup: ObjectLookup

    func allows(_ attributes: AccessAttributes) -> Bool {
        switch attributes.target {
        case .path(let path): attributes.verb == "get" && path == "/version"
        case .resource(let resource):
            ClusterInfoAccess.allows(attributes)
                || CertificateRequestAccess.allows(attributes.verb, resource, user, lookup)
        }
    }

    static let reason = "a bootstrap token may only create and read its own CertificateSigningRequest"

    /// Which request is its own cannot be listed.
    static let rules = AccessRules(
        resources: [CertificateRequestAccess.rule], paths: [AccessRules.PathRule(verbs: ["get"], paths: ["/version"])],
        isIncomplete: true)
}
