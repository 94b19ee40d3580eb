import NetworkTypes
import TrafficModel
import Transport

/// Chooses an endpoint for each new connection or flow: the client's own under session affinity, else as `ServiceBalancing`
/// says, in turn where it says nothing. Pure; time is a parameter.
struct EndpointPicker {
    private struct Session {
        var endpoint: SocketAddress
        var lastUse: MonotonicTime
    }

    private(set) var endpoints: [SocketAddress]
    private var members: Set<SocketAddress>
    private var affinity: Duration?
    private var balancing: ServiceBalancing
    /// The endpoint of each slot, where the client's address decides.
    private var slots: [SocketAddress] = []
    /// Connections that go on, where their number decides.
    private var connections: [SocketAddress: Int] = [:]
    private var next = 0
    private var sessions: [IPAddress: Session] = [:]
    /// Clients remembered before idle ones are looked for.
    private var sweepAt = 1024

    init(endpoints: [SocketAddress], affinitySeconds: Int?, balancing: ServiceBalancing = .random) {
        self.endpoints = endpoints
        self.balancing = balancing
        members = Set(endpoints)
        affinity = affinitySeconds.map { .seconds($0) }
        fillSlots()
    }

    private mutating func fillSlots() {
        slots = balancing == .consistentHash && endpoints.count > 1 ? HashSlots.fill(endpoints) : []
    }

    /// Replaces the endpoints. A client whose endpoint stays keeps it.
    mutating func replace(
        endpoints: [SocketAddress], affinitySeconds: Int?, balancing: ServiceBalancing = .random
    ) {
        affinity = affinitySeconds.map { .seconds($0) }
        if affinity == nil { sessions = [:] }
        let isOther = balancing != self.balancing
        self.balancing = balancing
        defer { if isOther || slots.isEmpty == (balancing == .consistentHash) { fillSlots() } }
        guard endpoints != self.endpoints else { return }
        slots = []
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
            guard let endpoint = choose(for: client, excluding: tried) else { return nil }
            if sessions.count >= sweepAt { sweep(now: now, idleFor: affinity) }
            sessions[client] = Session(endpoint: endpoint, lastUse: now)
            return endpoint
        }
        return choose(for: client, excluding: tried)
    }

    /// A connection to an endpoint began: it counts until `ended`.
    mutating func began(at endpoint: SocketAddress) { connections[endpoint, default: 0] += 1 }

    mutating func ended(at endpoint: SocketAddress) {
        guard let count = connections[endpoint] else { return }
        connections[endpoint] = count > 1 ? count - 1 : nil
    }

    private mutating func choose(for client: IPAddress, excluding tried: [SocketAddress]) -> SocketAddress? {
        if !slots.isEmpty {
            // Past those that did not answer: the next slots lead to the others, by chance and for all nodes alike.
            let own = HashSlots.slot(of: client)
            for step in slots.indices {
                let endpoint = slots[(own + step) % slots.count]
                if tried.isEmpty || !tried.contains(endpoint) { return endpoint }
            }
            return nil
        }
        guard balancing == .leastConnections else { return rotate(excluding: tried) }
        defer { next = next + 1 == endpoints.count ? 0 : next + 1 }
        return fewest(excluding: tried)
    }

    /// The endpoint with the fewest connections; of several the one whose turn it is.
    private func fewest(excluding tried: [SocketAddress]) -> SocketAddress? {
        var best: SocketAddress?
        var least = Int.max
        for step in endpoints.indices {
            let endpoint = endpoints[(next + step) % endpoints.count]
            let count = connections[endpoint, default: 0]
            guard count < least, tried.isEmpty || !tried.contains(endpoint) else { continue }
            (best, least) = (endpoint, count)
            if count == 0 { break }
        }
        return best
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
