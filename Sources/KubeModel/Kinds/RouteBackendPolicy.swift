/// How requests are shared among the endpoints of a route's backend, and how long and how often these are asked.
public struct RouteBackendPolicy: Codable, Hashable, Sendable {
    /// `round-robin` (the default), `least-connections`, `peak-ewma` or `consistent-hash`.
    public var balancing: String?
    /// With `consistent-hash`: what the endpoint is chosen by, text with variables such as `$request_uri`; the client's
    /// address without it.
    public var hashBy: String?
    /// By which the requests of a client stay with one endpoint.
    public var affinity: RouteBackendAffinity?
    /// When a request goes to another endpoint.
    public var retry: RouteBackendRetry?
    /// How long endpoints are waited for.
    public var timeouts: RouteBackendTimeouts?
    /// How much they are asked at a time.
    public var limits: RouteBackendLimits?
    /// Seconds in which an endpoint that comes to others gets less than its share, a tenth at first.
    public var slowStartSeconds: Int?
    /// How they are spoken to over TLS.
    public var tls: RouteBackendTLS?

    public init(
        balancing: String? = nil, hashBy: String? = nil, affinity: RouteBackendAffinity? = nil,
        retry: RouteBackendRetry? = nil, timeouts: RouteBackendTimeouts? = nil, limits: RouteBackendLimits? = nil,
        slowStartSeconds: Int? = nil, tls: RouteBackendTLS? = nil
    ) {
        self.balancing = balancing
        self.hashBy = hashBy
        self.affinity = affinity
        self.retry = retry
        self.timeouts = timeouts
        self.limits = limits
        self.slowStartSeconds = slowStartSeconds
        self.tls = tls
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendPolicy() }
}

extension RouteBackendPolicy: CustomStringConvertible {
    /// What is said of it, in one line: a name for two backends that differ in nothing else.
    public var description: String {
        [
            balancing, hashBy.map { "by \($0)" }, affinity?.description, retry?.description, timeouts?.description,
            limits?.description, slowStartSeconds.map { "slow-start=\($0)s" }, tls?.description,
        ].compactMap(\.self).joined(separator: " ")
    }
}
