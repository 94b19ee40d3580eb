import NetworkTypes

/// What to do about one Service.
enum LoadBalancerDecision: Sendable, Equatable {
    /// The published addresses are right.
    case keep
    /// Publish these.
    case assign([IPAddress], pool: String)
    /// It gets no address for this reason; what it has is withdrawn, or left to it where nothing can be made of what it
    /// asks for.
    case refuse(String, withdraws: Bool = true)
}
