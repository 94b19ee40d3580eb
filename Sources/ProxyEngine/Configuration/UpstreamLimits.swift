/// How much an upstream is asked at a time; 0 for as much as comes.
package struct UpstreamLimits: Sendable, Hashable {
    /// Requests under way over all loops, upgraded connections among them.
    package var requests: Int32
    /// To one endpoint. With HTTP/1.1 that is the connections in use as well.
    package var requestsPerEndpoint: Int32
    /// Requests that wait for others to end, over all loops; what comes beyond them is answered 503.
    package var queue: Int32
    /// How long one waits at most: 503 then.
    package var queueTimeout: Duration

    package init(
        requests: Int32 = 0, requestsPerEndpoint: Int32 = 0, queue: Int32 = 0, queueTimeout: Duration = .seconds(5)
    ) {
        self.requests = max(0, requests)
        self.requestsPerEndpoint = max(0, requestsPerEndpoint)
        self.queue = max(0, queue)
        self.queueTimeout = queueTimeout
    }
}

/// One loop's part of an upstream's limits. Loops share nothing, so each has its share, and at least one request.
struct LoopLimits: BitwiseCopyable {
    var requests: Int32 = 0
    var requestsPerEndpoint: Int32 = 0
    var queue: Int32 = 0
    var queueTicks: Int64 = 0

    init() {}

    init(_ limits: UpstreamLimits, loops: Int) {
        let loops = Int32(clamping: max(1, loops))
        func part(_ limit: Int32) -> Int32 { limit == 0 ? 0 : max(1, limit / loops) }
        requests = part(limits.requests)
        requestsPerEndpoint = part(limits.requestsPerEndpoint)
        queue = part(limits.queue)
        queueTicks = CoreLimits.ticks(limits.queueTimeout)
    }

    /// There is no limit.
    var isEmpty: Bool { requests == 0 && requestsPerEndpoint == 0 }
}
