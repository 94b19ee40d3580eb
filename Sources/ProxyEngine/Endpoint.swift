internal import NetworkTypes

/// One endpoint with its idle connections, as one loop knows it. Lives as long as a configuration names it or a
/// connection to it is open.
struct Endpoint {
    let index: Int32
    var address = SocketAddress(ip: .anyV4, port: 0)
    /// A current upstream has it.
    var isConfigured = false
    var isFree = true
    /// Most recently used first.
    var firstIdle: Int32 = -1
    /// Least recently used: the one to give up when the list is full.
    var lastIdle: Int32 = -1
    var idleCount: Int32 = 0
    /// Connections of any kind.
    var openCount: Int32 = 0

    init(index: Int32) { self.index = index }
}

/// An upstream's place in its rotation and its counters, as one loop knows it.
struct UpstreamState {
    let index: Int32
    /// Endpoint indices; owned memory, nil when there are none.
    var endpoints: UnsafeMutablePointer<Int32>?
    var endpointCount: Int32 = 0
    /// Position of the next one to use.
    var next: Int32 = 0
    /// Requests that refer to this state.
    var activeRequests: Int32 = 0
    var isConfigured = false
    var isFree = true
    var traffic = TrafficCount()
    var connectFailures: UInt64 = 0
    var retries: UInt64 = 0
    var timeouts: UInt64 = 0

    init(index: Int32) { self.index = index }

    /// The next endpoint in turn, or -1.
    mutating func rotate() -> Int32 {
        guard endpointCount > 0, let endpoints else { return -1 }
        if next >= endpointCount { next = 0 }
        let chosen = endpoints[Int(next)]
        next += 1
        return chosen
    }
}

/// Counters of a route or an upstream on one loop.
struct TrafficCount: BitwiseCopyable {
    var requests: UInt64 = 0
    var classes = InlineArray<5, UInt64>(repeating: 0)
    var bytesUp: UInt64 = 0
    var bytesDown: UInt64 = 0

    mutating func count(status: Int32, up: Int64, down: Int64) {
        requests += 1
        if status >= 100, status < 600 { classes[Int(status) / 100 - 1] += 1 }
        bytesUp += UInt64(up)
        bytesDown += UInt64(down)
    }
}
