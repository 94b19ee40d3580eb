/// How the descriptors that a process may open (RLIMIT_NOFILE) are divided between what it needs itself and what others
/// make it open, so that no use can starve another. Pure; the limit comes from ``DescriptorLimit``.
package struct DescriptorBudget: Sendable, Hashable {
    /// Who opens descriptors.
    package enum Use: Sendable, Hashable, CaseIterable {
        /// Clients over the network.
        case clients
        /// Callers over a unix socket.
        case local
        /// Connections of a proxy to its backends; of an API server to Pods.
        case upstreams
        /// Connections of the L4 relay, two descriptors each, and UDP flows.
        case relays
        /// DNS: clients over TCP, and questions under way to other servers.
        case names
    }

    /// The descriptors of the process.
    package let limit: Int
    private let weights: [Use: Int]

    /// - Parameters:
    ///   - limit: RLIMIT_NOFILE.
    ///   - weights: The shares of what is left after ``own``; a use that is not named gets nothing.
    package init(limit: Int, weights: [Use: Int]) {
        self.limit = max(64, limit)
        self.weights = weights.filter { $0.value > 0 }
    }

    /// An API server: clients, an eighth for connections to Pods, and a sixteenth for the unix socket.
    package static func apiServer(limit: Int) -> DescriptorBudget {
        DescriptorBudget(limit: limit, weights: [.clients: 13, .upstreams: 2, .local: 1])
    }

    /// A data plane: the proxy's clients and their upstreams, the relay, and DNS where it is served.
    package static func dataPlane(limit: Int, servesNames: Bool = false) -> DescriptorBudget {
        DescriptorBudget(
            limit: limit,
            weights: servesNames
                ? [.clients: 2, .upstreams: 2, .relays: 3, .names: 1] : [.clients: 1, .upstreams: 1, .relays: 2])
    }

    /// Kept for the process itself: store, logs, loops, listeners, and its own connection to the API.
    package var own: Int { min(512, limit / 4) }

    /// Descriptors for one use.
    package func descriptors(_ use: Use) -> Int {
        let total = weights.values.reduce(0, +)
        guard total > 0, let weight = weights[use] else { return 0 }
        return (limit - own) / total * weight + (limit - own) % total * weight / total
    }

    /// Connections for one use: a relayed one has two descriptors.
    package func connections(_ use: Use) -> Int {
        use == .relays ? descriptors(use) / 2 : descriptors(use)
    }
}
