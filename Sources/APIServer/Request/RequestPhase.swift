/// What happens to every request, in this order. `RequestPipeline.run` has one case for each. All of it but the last is
/// decided by the head: a refused request costs no body.
enum RequestPhase: CaseIterable, Sendable {
    /// Who is it? 401 for wrong credentials, and for none unless the path is open to everybody.
    case authenticate
    /// Path and method → resource, verb, name. 404 and 405 for what this server does not have.
    case route
    /// May they? 403 in Kubernetes' words; the reviews ask the same `Authorizer`.
    case authorize
    /// Is there room? 429 when too many requests are being worked on.
    case limit
    /// In which form do they want the answer? 406 for none that can be served.
    case negotiate
    /// The body, where the verb has one, and the verb: answers itself, at once or from the store's thread.
    case perform
}
