/// What went wrong between the client and the server, other than an answer of the server, which is a `Status`.
public struct ClientError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Hashable {
        /// A kubeconfig file or a flag cannot be used.
        case configuration
        /// No connection, or it broke.
        case unreachable
        /// The server's answer cannot be understood.
        case malformedAnswer
        /// The request or its object cannot be sent.
        case invalidRequest
    }

    public var code: Code
    /// For people; one line.
    public var message: String
    /// What caused it, if anything.
    public var cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { cause.map { "\(message): \($0)" } ?? message }
}
