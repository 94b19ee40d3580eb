import NetworkTypes
import Transport

/// Chooses an endpoint for each new connection or flow: round robin, or the client's own under session affinity. Pure;
/// time is a parameter.
struct EndpointPicker {
    private struct Session {
        var endpoint: SocketAddress
        var lastUse: MonotonicTime
    }

    private(set) var endpoints: [SocketAddress]
    private var members: Set<SocketAddress>
    private var affinity: Duration?
    private var next = 0
    private var sessions: [IPAddress: Session] = [:]
    /// Clients remembered before idle ones are looked for.
    private var sweepAt = 1024

    init(endpoints: [SocketAddress], affinitySeconds: Int?) {
        self.endpoints = endpoints
        members = Set(endpoints)
        affinity = affinitySeconds.map { .seconds($0) }
    }

    /// Replaces the endpoints. A client whose endpoint stays keeps it.
    mutating func replace(endpoints: [SocketAddress], affinitySeconds: Int?) {
        affinity = affinitySeconds.map { .seconds($0) }
        if affinity == nil { sessions = [:] }
        guard endpoints != self.endpoints else { return }
        self.endpoints = endpoints
        members = Set(endpoints)
        next = endpoints.isEmpty ? 0 : next % endpoints.count
        sessions = sessions.filter { members.contains($0.value.endpoint) }
    }

    /// Clients remembered under session affinity.
    var sessionCount: Int { sessions.count }

    /// The endpoint for a client, other than those that were tried for it already; nil when there is none left.
    mutating func pick(for client: IPAddress, excluding tried: [SocketAddress] = [], now: MonotonicTime)
        -> SocketAddress?
    {
        guard !endpoints.isEmpty else { return nil }
        if let affinity {
            if let session = sessions[client], now - session.lastUse < affinity, !tried.contains(session.endpoint) {
                sessions[client]?.lastUse = now
                return session.endpoint
            }
            guard let endpoint = rotate(excluding: tried) else { return nil }
            if sessions.count >= sweepAt { sweep(now: now, idleFor: affinity) }
            sessions[client] = Session(endpoint: endpoint, lastUse: now)
            return endpoint
        }
        return rotate(excluding: tried)
    }

    private mutating func rotate(excluding tried: [SocketAddress]) -> SocketAddress? {
        for _ in endpoints.indices {
            let endpoint = endpoints[next]
            next = next + 1 == endpoints.count ? 0 : next + 1
            if tried.isEmpty || !tried.contains(endpoint) { return endpoint }
        }
        return nil
    }

    private mutating func sweep(now: MonotonicTime, idleFor limit: Duration) {
        sessions = sessions.filter { now - $0.value.lastUse < limit }
        // Twice what is left: the cost of sweeping stays constant for each new client.
        sweepAt = max(1024, sessions.count * 2)
    }
}
