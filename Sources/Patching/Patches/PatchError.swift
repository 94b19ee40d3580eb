public import KubeModel

/// Why a patch cannot be read or does not apply.
public struct PatchError: Error, Hashable, Sendable {
    public enum Code: Hashable, Sendable {
        /// Not a patch: 400.
        case malformed
        /// A good patch that this object does not allow: 422.
        case doesNotApply
        /// More operations, or more work, than is allowed: 413.
        case tooLarge
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The answer as kube-apiserver gives it.
    public var status: Status {
        switch code {
        case .malformed: .badRequest(message)
        case .doesNotApply:
            Status(
                code: 422, reason: .invalid,
                message: "the server rejected our request due to an error in our request",
                details: Status.Details(
                    causes: [Status.Cause(message: message)]))
        case .tooLarge: .tooLarge(message)
        }
    }
}

extension PatchError: CustomStringConvertible {
    public var description: String { message }
}
