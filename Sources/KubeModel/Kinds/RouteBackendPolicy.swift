/// How requests are shared among the endpoints of a route's backend.
public struct RouteBackendPolicy: Codable, Hashable, Sendable {
    /// `round-robin` (the default), `least-connections`, `peak-ewma` or `consistent-hash`.
    public var balancing: String?
    /// With `consistent-hash`: what the endpoint is chosen by, text with variables such as `$request_uri`; the client's
    /// address without it.
    public var hashBy: String?

    public init(balancing: String? = nil, hashBy: String? = nil) {
        self.balancing = balancing
        self.hashBy = hashBy
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendPolicy() }
}

extension RouteBackendPolicy: CustomStringConvertible {
    /// What is said of it, in one line: a name for two backends that differ in nothing else.
    public var description: String {
        [balancing, hashBy.map { "by \($0)" }].compactMap(\.self).joined(separator: " ")
    }
}
