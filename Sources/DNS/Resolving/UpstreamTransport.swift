/// How a message travels to an upstream server.
package enum UpstreamTransport: Hashable, Sendable {
    /// From a socket of its own.
    case datagram
    /// Over a TCP connection of its own.
    case stream
    /// Over a TLS connection that several messages share (RFC 7858).
    case secured(SecuredServer)

    /// A strange message cannot have been slipped in by others.
    package var isStream: Bool { self != .datagram }

    package var isSecured: Bool { if case .secured = self { true } else { false } }
}
