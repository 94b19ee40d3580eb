/// How much of a route's backend is asked at a time. One data plane does not know what others ask.
public struct RouteBackendLimits: Codable, Hashable, Sendable {
    /// Requests under way, upgraded connections among them.
    public var requests: Int?
    /// To one endpoint.
    public var requestsPerEndpoint: Int?
    /// Requests that wait for others to end; what comes beyond them is answered 503. None without it.
    public var queue: Int?
    /// Seconds that one waits at most; 5 without it.
    public var queueSeconds: Int?

    public init(
        requests: Int? = nil, requestsPerEndpoint: Int? = nil, queue: Int? = nil, queueSeconds: Int? = nil
    ) {
        self.requests = requests
        self.requestsPerEndpoint = requestsPerEndpoint
        self.queue = queue
        self.queueSeconds = queueSeconds
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendLimits() }
}

extension RouteBackendLimits: CustomStringConvertible {
    public var description: String {
        let parts = [
            ("requests", requests), ("per-endpoint", requestsPerEndpoint), ("queue", queue), ("for", queueSeconds),
        ]
        return (["limits"] + parts.compactMap { name, number in number.map { "\(name)=\($0)" } })
            .joined(separator: " ")
    }
}
