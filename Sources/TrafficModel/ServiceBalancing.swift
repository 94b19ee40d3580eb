/// How an endpoint is chosen for a new connection to a Service.
package enum ServiceBalancing: Hashable, Sendable {
    /// Each as likely.
    case random
    /// By the client's address, the same on every node.
    case consistentHash
    /// Something that the annotation asks for and that there is not; chosen as `random`.
    case unknown(String)

    /// `consistent-hash`, or `random`, which is the default.
    package static let annotation = "traffic.martlet.dev/balancing"

    package init(annotation text: String?) {
        switch text {
        case nil, "random": self = .random
        case "consistent-hash": self = .consistentHash
        case let text?: self = .unknown(String(text.prefix(63)))
        }
    }
}
