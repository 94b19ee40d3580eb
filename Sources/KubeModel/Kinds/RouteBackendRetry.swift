/// When a request that an endpoint has failed is sent to another one (nginx' `proxy_next_upstream`).
public struct RouteBackendRetry: Codable, Hashable, Sendable {
    /// What one failure may be, of ``allConditions``; an empty list for never. Without it `error`, and `timeout` as far as
    /// connections are concerned.
    public var conditions: [String]?
    /// Also requests whose effect would be another when they are done twice.
    public var nonIdempotent: Bool?
    /// How often a request is sent at most, 1 to 8; 3 without it.
    public var attempts: Int?
    /// Seconds from the request on, after which it is not sent again.
    public var timeoutSeconds: Int?

    public static let allConditions = [
        "error", "http_403", "http_404", "http_429", "http_500", "http_502", "http_503", "http_504", "invalid_header",
        "timeout",
    ]
    /// Of ``attempts``.
    public static let mostAttempts = 8

    public init(
        conditions: [String]? = nil, nonIdempotent: Bool? = nil, attempts: Int? = nil, timeoutSeconds: Int? = nil
    ) {
        self.conditions = conditions
        self.nonIdempotent = nonIdempotent
        self.attempts = attempts
        self.timeoutSeconds = timeoutSeconds
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendRetry() }
}

extension RouteBackendRetry: CustomStringConvertible {
    public var description: String {
        var words = ["retry"]
        if let conditions { words.append(conditions.isEmpty ? "never" : conditions.joined(separator: ",")) }
        if nonIdempotent == true { words.append("non_idempotent") }
        if let attempts { words.append("attempts=\(attempts)") }
        if let timeoutSeconds { words.append("within=\(timeoutSeconds)s") }
        return words.joined(separator: " ")
    }
}
