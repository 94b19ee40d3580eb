import KubeModel

/// What a machine with a bootstrap token may do: ask for a certificate, see what became of that request, and what everybody
/// may whom the server knows.
struct BootstrapAccess {
    let user: String
    let lookup: ObjectLookup

    func allows(_ attributes: AccessAttributes) -> Bool {
        switch attributes.target {
        case .path(let path): KnownCallersAuthorizer.isOpen(path, attributes.verb)
        case .resource(let resource):
            ClusterInfoAccess.allows(attributes) || SelfReviewAccess.allows(attributes.verb, resource)
                || CertificateRequestAccess.allows(attributes.verb, resource, user, lookup)
        }
    }

    static let reason = "a bootstrap token may only create and read its own CertificateSigningRequest"

    /// Which request is its own cannot be listed.
    static let rules = AccessRules(
        resources: [CertificateRequestAccess.rule] + SelfReviewAccess.rules,
        paths: [AccessRules.PathRule(verbs: ["get"], paths: KnownCallersAuthorizer.openPaths)],
        isIncomplete: true)
}
