import IPVS
import NetworkTypes

/// What a virtual server does, in terms that can be compared and read.
struct VirtualServerManner: Hashable, CustomStringConvertible {
    var scheduler: IPVSScheduler
    /// Session affinity.
    var seconds: UInt32?
    /// Those that get new connections.
    var endpoints: Set<SocketAddress>
    /// Those that keep the connections they have.
    var draining: Set<SocketAddress>

    private init(_ server: VirtualServer, endpoints: Set<SocketAddress>, draining: Set<SocketAddress> = []) {
        scheduler = server.scheduler
        seconds = server.flags.contains(.persistent) ? server.persistence : nil
        self.endpoints = endpoints
        self.draining = draining
    }

    init(_ wanted: IPVSPlan.Wanted) { self.init(wanted.server, endpoints: wanted.reals) }

    init(_ standing: IPVSPlan.Standing) {
        self.init(
            standing.server, endpoints: Set(standing.weights.filter { $0.value > 0 }.keys),
            draining: Set(standing.weights.filter { $0.value == 0 }.keys))
    }

    /// Whoever drains is of no interest to the API.
    static func == (left: VirtualServerManner, right: VirtualServerManner) -> Bool {
        (left.scheduler, left.seconds, left.endpoints) == (right.scheduler, right.seconds, right.endpoints)
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(scheduler)
        hasher.combine(seconds)
        hasher.combine(endpoints)
    }

    var description: String {
        var text = "IPVS (\(scheduler))"
        if let seconds { text += ", kept for a client until it was idle for \(seconds) s" }
        if !draining.isEmpty {
            let names = draining.sorted().map(\.description).joined(separator: ", ")
            text += ", while connections to \(names) end"
        }
        return text
    }
}
