/// An upstream's place in its rotation and its counters, as one loop knows it.
struct UpstreamState {
    /// ``UpstreamBalancing`` without what belongs to each request.
    enum Balancing: UInt8 {
        case roundRobin
        case leastRequests
        case peakEWMA
        case hash
    }

    /// ``CookieAffinity`` likewise.
    enum Affinity: UInt8 {
        case none
        case balanced
        case persistent
    }

    /// Owned memory, nil when there are none.
    var endpoints: UnsafeMutablePointer<Handle<Party.Endpoints>>?
    /// Of each endpoint its seed for ``RendezvousHash``; owned, and there when `endpoints` is.
    var seeds: UnsafeMutablePointer<UInt64>?
    /// Of each endpoint its ``EndpointTag``, where affinity is persistent; owned.
    var tags: UnsafeMutablePointer<UInt64>?
    var balancing = Balancing.roundRobin
    var affinity = Affinity.none
    var changesOnFailure = false
    /// Its cookies say so.
    var isCanary = false
    var ejection = EjectionPolicy()
    var retry = RetryPolicy()
    var retryBudget = RetryBudget()
    var patience = UpstreamPatience()
    var limits = LoopLimits()
    var isLimited = false
    /// Nanoseconds.
    var slowStart: UInt64 = 0
    var endpointCount: Int32 = 0
    /// Position of the next one to use.
    var next: Int32 = 0
    /// Exchanges that refer to this state.
    var activeRequests: Int32 = 0
    /// Those of them that wait for others to end.
    var waiting: Int32 = 0
    /// Its endpoints speak HTTP/2.
    var isMultiplexed = false
    /// The configuration has it.
    var isConfigured = false
    var traffic = TrafficCount()
    var connectFailures: UInt64 = 0
    var retries: UInt64 = 0
    /// Requests that were not sent again for want of budget.
    var retriesRefused: UInt64 = 0
    var timeouts: UInt64 = 0
    /// Requests answered by the proxy since there were too many.
    var requestsRefused: UInt64 = 0
    var ejections: UInt64 = 0

    /// The next endpoint in turn, or none.
    mutating func rotate() -> Handle<Party.Endpoints> {
        guard endpointCount > 0, let endpoints else { return .none }
        if next >= endpointCount { next = 0 }
        let chosen = endpoints[Int(next)]
        next += 1
        return chosen
    }
}

extension UpstreamState {
    /// Whether a request of this upstream is sent to another endpoint; one that is counts as sent again.
    mutating func retries(
        _ failure: RetryPolicy.Failure, _ request: RetryPolicy.Circumstances, now: UInt64
    ) -> Bool {
        switch retry.verdict(on: failure, request) {
        case .never: return false
        case .freely: break
        case .withinBudget:
            guard retryBudget.take(requests: traffic.requests, underWay: activeRequests, now: now) else {
                retriesRefused += 1
                return false
            }
        }
        retries += 1
        return true
    }
}

extension UpstreamState.Balancing {
    init(_ balancing: UpstreamBalancing) {
        switch balancing {
        case .roundRobin: self = .roundRobin
        case .leastRequests: self = .leastRequests
        case .peakEWMA: self = .peakEWMA
        case .hash: self = .hash
        }
    }
}
