/// What Services must have in common to have one address: the key that they give, and for traffic that stays on the node
/// (`externalTrafficPolicy: Local`) the Pods behind them; without that the backends play no part.
struct SharingKey: Hashable, Sendable {
    var text: String
    var localSelector: [String: String]
}
