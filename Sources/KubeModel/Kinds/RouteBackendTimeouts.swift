/// How long endpoints are waited for, each time that a request is sent.
public struct RouteBackendTimeouts: Codable, Hashable, Sendable {
    /// Until one takes a connection.
    public var connectSeconds: Int?
    /// Between two reads of its response.
    public var readSeconds: Int?
    /// Until it takes more of the request.
    public var sendSeconds: Int?

    public init(connectSeconds: Int? = nil, readSeconds: Int? = nil, sendSeconds: Int? = nil) {
        self.connectSeconds = connectSeconds
        self.readSeconds = readSeconds
        self.sendSeconds = sendSeconds
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendTimeouts() }
}

extension RouteBackendTimeouts: CustomStringConvertible {
    public var description: String {
        let parts = [("connect", connectSeconds), ("read", readSeconds), ("send", sendSeconds)]
        return (["timeouts"] + parts.compactMap { name, seconds in seconds.map { "\(name)=\($0)s" } })
            .joined(separator: " ")
    }
}
