internal import NetworkTypes

/// One endpoint with its idle connections, as one loop knows it. Lives as long as an upstream has it or a connection to
/// it is open.
struct Endpoint {
    var address = SocketAddress(ip: .anyV4, port: 0)
    /// Its number among ``UpstreamTLSContexts``.
    var tls: Int32 = 0
    /// How many places in upstreams' lists name it. At 0 it gets no new connections and keeps no idle ones.
    var references: Int32 = 0
    /// Most recently used first.
    var firstIdle = Handle<Party.Upstreams>.none
    /// Least recently used: the one to give up when the list is full.
    var lastIdle = Handle<Party.Upstreams>.none
    var idleCount: Int32 = 0
    /// The connection with HTTP/2 that new requests go to.
    var multiplexed = Handle<Party.Upstreams>.none
    /// How many requests at once the last such connection was allowed.
    var concurrency: Int32 = 100
    /// Connections of any kind, and streams on them.
    var openCount: Int32 = 0
    /// Those of them that carry streams.
    var carrierCount: Int32 = 0
    var latency = PeakEWMA()
    var health = EndpointHealth()
    /// When it came to others, where these are to warm it up; 0 otherwise. Nanoseconds.
    var warmsSince: UInt64 = 0

    /// Requests under way, with those that wait for a connection, and tunnels.
    var outstanding: Int32 { openCount - idleCount - carrierCount }

    var isWanted: Bool { references > 0 }
}
