internal import Transport

/// The limits in the units of the hot path.
struct CoreLimits: BitwiseCopyable {
    var maxHeadBytes = 0
    var maxTargetBytes = 0
    /// `Int.max` when unlimited.
    var maxBodyBytes = 0
    var maxRequestsPerConnection: Int32 = 0
    var maxIdlePerEndpoint: Int32 = 0
    var maxRequestsPerUpstream: Int32 = 0
    var maxAttempts: Int32 = 0
    var maxConnections = 0
    /// The other half of the connections is left to clients that have sent a request.
    var maxUnproven: Int { max(1, maxConnections / 2) }
    var maxHandshakes = 0
    var maxUpstreamConnections = 0
    // Ticks.
    var requestHead: Int64 = 0
    var requestBody: Int64 = 0
    /// Bytes of a request body for which it gets a tick; 0 where no rate is asked for.
    var bodyBytesPerTick: Int64 = 0
    var keepAlive: Int64 = 0
    var connect: Int64 = 0
    var response: Int64 = 0
    var write: Int64 = 0
    var tunnelIdle: Int64 = 0
    var upstreamIdle: Int64 = 0

    init() {}

    init(_ limits: ProxyLimits, loops: Int) {
        maxHeadBytes = min(max(limits.maxHeadBytes, 256), 60 << 10)
        maxTargetBytes = limits.maxTargetBytes
        maxBodyBytes = limits.maxBodyBytes ?? .max
        maxRequestsPerConnection = Int32(clamping: limits.maxRequestsPerConnection)
        maxIdlePerEndpoint = Int32(clamping: limits.maxIdleConnectionsPerEndpoint)
        maxRequestsPerUpstream = Int32(clamping: limits.maxRequestsPerUpstreamConnection)
        maxAttempts = Int32(min(max(1, limits.maxAttempts), TriedEndpoints.capacity))
        maxConnections = max(1, limits.maxConnections / loops)
        maxHandshakes = limits.maxHandshakes
        maxUpstreamConnections = max(1, limits.maxUpstreamConnections / loops)
        requestHead = Self.ticks(limits.requestHeadTimeout)
        requestBody = Self.ticks(limits.requestBodyTimeout)
        let rate = Int64(Int32(clamping: limits.leastBodyRate))
        bodyBytesPerTick = rate > 0 ? max(1, rate * Int64(Self.tickNanoseconds) / 1_000_000_000) : 0
        keepAlive = Self.ticks(limits.keepAliveTimeout)
        connect = Self.ticks(limits.connectTimeout)
        response = Self.ticks(limits.responseTimeout)
        write = Self.ticks(limits.writeTimeout)
        tunnelIdle = Self.ticks(limits.tunnelIdleTimeout)
        upstreamIdle = Self.ticks(limits.upstreamIdleTimeout)
    }

    static let tickNanoseconds: UInt64 = 50_000_000

    /// Whole ticks, rounded up, and one more since the current one has begun already.
    static func ticks(_ duration: Duration) -> Int64 {
        min(Int64(clamping: duration.wholeNanoseconds / tickNanoseconds), 1 << 40) + 2
    }
}
