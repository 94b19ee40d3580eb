/// How a message travels to an upstream server.
package enum UpstreamTransport: Hashable, Sendable {
    /// From a socket of its own.
    case datagram
    /// Over a TCP connection of its own.
    case stream
    /// Over a TLS connection that several messages share (RFC 7858; over HTTP/2 RFC 8484).
    case secured(SecuredServer)

    /// A strange message cannot have been slipped in by others.
    package var isStream: Bool { self != .datagram }

    /// As people know it.
    package var name: String {
        switch self {
        case .datagram: "UDP"
        case .stream: "TCP"
        case .secured(let server): server.path == nil ? "TLS" : "HTTPS"
        }
    }

    package var isSecured: Bool { if case .secured = self { true } else { false } }
}
