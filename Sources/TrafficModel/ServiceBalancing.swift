/// How an endpoint is chosen for a new connection to a Service.
package enum ServiceBalancing: Hashable, Sendable {
    /// Each as likely.
    case random
    /// By the client's address, the same on every node.
    case consistentHash
    /// The endpoint with the fewest connections, of those that this node has made.
    case leastConnections
    /// Something that the annotation asks for and that there is not; chosen as `random`.
    case unknown(String)

    /// `consistent-hash`, `least-connections`, or `random`, which is the default.
    package static let annotation = "traffic.martlet.dev/balancing"

    package init(annotation text: String?) {
        switch text {
        case nil, "random": self = .random
        case "consistent-hash": self = .consistentHash
        case "least-connections": self = .leastConnections
        case let text?: self = .unknown(String(text.prefix(63)))
        }
    }
}
