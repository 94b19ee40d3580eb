/// An upstream's place in its rotation and its counters, as one loop knows it.
struct UpstreamState {
    /// Owned memory, nil when there are none.
    var endpoints: UnsafeMutablePointer<Handle<Party.Endpoints>>?
    var endpointCount: Int32 = 0
    /// Position of the next one to use.
    var next: Int32 = 0
    /// Exchanges that refer to this state.
    var activeRequests: Int32 = 0
    /// Its endpoints speak HTTP/2.
    var isMultiplexed = false
    /// The configuration has it.
    var isConfigured = false
    var traffic = TrafficCount()
    var connectFailures: UInt64 = 0
    var retries: UInt64 = 0
    var timeouts: UInt64 = 0

    /// The next endpoint in turn, or none.
    mutating func rotate() -> Handle<Party.Endpoints> {
        guard endpointCount > 0, let endpoints else { return .none }
        if next >= endpointCount { next = 0 }
        let chosen = endpoints[Int(next)]
        next += 1
        return chosen
    }

    /// The next one in turn that was not tried; where all were, the next one.
    mutating func rotate(past tried: TriedEndpoints) -> Handle<Party.Endpoints> {
        for _ in 0..<endpointCount {
            let chosen = rotate()
            if !tried.contains(chosen) { return chosen }
        }
        return rotate()
    }
}
