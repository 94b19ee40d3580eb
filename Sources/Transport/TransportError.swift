internal import Glibc

/// Every failure this module reports. Tests and callers compare ``code``; ``message`` is for people.
package struct TransportError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: Sendable, Hashable {
        /// A system call failed; `errno` is its number.
        case system(errno: Int32)
        /// The address is already bound by someone else.
        case addressInUse
        /// Ports below 1024, or an address that this user may not bind.
        case permissionDenied
        case connectionRefused
        case hostNotFound
        /// The peer closed, or the connection broke, before the operation was complete.
        case connectionClosed
        case timedOut
        case cancelled
        /// The TLS handshake or a record failed, or the certificate was not accepted.
        case tls
        /// A key, certificate or bundle could not be read or made.
        case certificate
        /// The peer does not speak the protocol correctly.
        case protocolViolation
        /// A configured limit would be exceeded.
        case limitExceeded
        /// The argument makes no sense (an address that is too long, a target with a space).
        case invalidArgument
        /// The client or server was shut down.
        case shutDown
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }

    /// Classifies an `errno` value where it enters the program.
    package static func system(_ number: Int32, _ operation: String) -> TransportError {
        let text = String(cString: strerror(number))
        let code: Code =
            switch number {
            case EADDRINUSE: .addressInUse
            case EACCES, EPERM: .permissionDenied
            case ECONNREFUSED: .connectionRefused
            case ECONNRESET, EPIPE, ENOTCONN: .connectionClosed
            case ETIMEDOUT: .timedOut
            default: .system(errno: number)
            }
        return TransportError(code, "\(operation): \(text)")
    }
}
