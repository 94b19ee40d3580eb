package import Transport

/// What the proxy has done since it started, summed over its loops at one moment.
package struct ProxyCounters: Sendable, Hashable {
    package struct Traffic: Sendable, Hashable {
        package var requests: UInt64 = 0
        /// Responses by class: index 0 is 1xx (a switched protocol), 4 is 5xx.
        package var responsesByClass: [UInt64] = [0, 0, 0, 0, 0]
        /// Bytes of request heads and bodies sent to upstreams.
        package var bytesUp: UInt64 = 0
        /// Bytes of response heads and bodies sent to clients.
        package var bytesDown: UInt64 = 0

        package init() {}
    }

    package struct Upstream: Sendable, Hashable {
        package var traffic = Traffic()
        package var connectFailures: UInt64 = 0
        package var retries: UInt64 = 0
        /// Requests that were not sent again, since too large a share of them was already.
        package var retriesRefused: UInt64 = 0
        package var timeouts: UInt64 = 0
        /// Requests answered 503 since there were too many.
        package var requestsRefused: UInt64 = 0
        /// Requests that wait for others to end now.
        package var requestsWaiting: UInt64 = 0
        /// How often an endpoint was left out for a while, on any loop.
        package var ejections: UInt64 = 0
        /// How many endpoints are left out now: of the loops the one with the most.
        package var endpointsEjected: UInt64 = 0
        /// How many there are.
        package var endpoints: UInt64 = 0

        package init() {}
    }

    /// By `host` and `path` as configured, for example `shop.example.com/cart`; an exact route ends with ` (exact)`.
    package var routes: [String: Traffic] = [:]
    /// By ``ProxyConfiguration/Upstream/name``.
    package var upstreams: [String: Upstream] = [:]
    /// Responses by status code, the proxy's own included.
    package var statuses: [Int: UInt64] = [:]
    package var connectionsAccepted: UInt64 = 0
    /// For want of room: newcomers, and connections without a request that made room for them.
    package var connectionsClosed = CrowdingCounts()
    /// Client connections open now, tunnels included.
    package var connectionsOpen: Int = 0
    /// Upgraded connections open now.
    package var tunnelsOpen: Int = 0
    /// Pooled upstream connections without a request now.
    package var upstreamConnectionsIdle: Int = 0
    package var upstreamConnectionsOpen: Int = 0
    package var upstreamConnectionsCreated: UInt64 = 0
    /// Bytes of memory held in connection buffers now.
    package var bufferedBytes: Int = 0

    package init() {}
}
