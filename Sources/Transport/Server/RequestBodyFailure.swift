/// Why a request's body did not arrive. The handler answers all the same (except where nobody is left to hear it).
package enum RequestBodyFailure: Error, Sendable, Hashable {
    /// Longer than ``HTTPServerConfiguration/maxBodyBytes``: 413.
    case tooLarge
    /// Not complete within ``HTTPServerConfiguration/bodyTimeout``: 408.
    case tooSlow
    /// The process has no memory to spare for it: 429.
    case noRoom
    /// Its framing is broken: 400.
    case malformed
    /// The client has gone, or the server stops.
    case closed

    /// The status that says so.
    package var status: Int {
        switch self {
        case .tooLarge: 413
        case .tooSlow: 408
        case .noRoom: 429
        case .malformed: 400
        case .closed: 499
        }
    }

    /// What a client is told.
    package var reason: String {
        switch self {
        case .tooLarge: "the request's body is too large"
        case .tooSlow: "the request's body did not arrive in time"
        case .noRoom: "too many request bodies at once, please try again later"
        case .malformed: "malformed request body"
        case .closed: "the client has gone"
        }
    }
}
