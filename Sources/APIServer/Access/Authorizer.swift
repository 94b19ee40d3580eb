import APIResources

/// Says who may do what. The request path and the reviews (`authorization.k8s.io`) ask the same one, so that a review never
/// tells anything else than a request would meet.
///
/// Called for every request, on its event loop: answers from memory, at once, from any thread.
protocol Authorizer: Sendable {
    func decide(_ attributes: AccessAttributes) -> AccessDecision

    /// Everything that `user` may do in `namespace`.
    func rules(of user: UserInfo, namespace: String) -> AccessRules
}
