/// How much one client, an IPv4 address or a network of 64 bits of IPv6, may ask of one data plane; more is answered with 503.
public struct RouteClientLimits: Codable, Hashable, Sendable {
    public var requestsPerSecond: Int?
    public var requestsPerMinute: Int?
    /// How many times as much as of a second, or of a minute, may come at once beyond it; 5 without it.
    public var burstMultiplier: Int?
    /// Requests under way at a time, upgraded connections among them.
    public var requests: Int?
    /// Addresses and networks that are not counted.
    public var exempt: [String]?

    public init(
        requestsPerSecond: Int? = nil, requestsPerMinute: Int? = nil, burstMultiplier: Int? = nil, requests: Int? = nil,
        exempt: [String]? = nil
    ) {
        self.requestsPerSecond = requestsPerSecond
        self.requestsPerMinute = requestsPerMinute
        self.burstMultiplier = burstMultiplier
        self.requests = requests
        self.exempt = exempt
    }

    /// Nothing is bounded.
    public var isEmpty: Bool { requestsPerSecond == nil && requestsPerMinute == nil && requests == nil }
}
