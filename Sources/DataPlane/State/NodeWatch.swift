import NetworkTypes
import Synchronization
import TrafficModel

/// Follows the addresses of this machine, the zone that its Node says, and where API servers listen.
final class NodeWatch: Sendable {
    /// How often the addresses are looked at.
    static let pause: Duration = .seconds(15)

    let name: String
    private let state: TrafficState
    private let zone = Mutex<String?>(nil)
    private let lookAgain = ChangeSignal()
    /// The networks on whose addresses node ports are served; empty for all.
    let nodePortRanges: [CIDR]

    init(name: String, nodePortRanges: [CIDR], state: TrafficState) {
        self.name = name
        self.state = state
        self.nodePortRanges = nodePortRanges
    }

    /// The Node says so.
    func setZone(_ zone: String?) {
        let isNew = self.zone.withLock { present in
            defer { present = zone }
            return present != zone
        }
        if isNew { lookAgain.raise() }
    }

    /// This node as it is now.
    var current: NodeIdentity {
        let all = Set(NodeAddresses.current(in: []))
        var node = NodeIdentity(
            name: name, zone: zone.withLock { $0 }, nodePortAddresses: NodeAddresses.current(in: nodePortRanges),
            ownAddresses: all)
        node.apiServers = NodeIdentity.apiServers(at: state.apiServers, own: all)
        return node
    }

    /// Calls `onChange` whenever something is different, until cancelled.
    func run(since first: NodeIdentity, _ onChange: @Sendable (NodeIdentity) async -> Void) async {
        var known = first
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [lookAgain] in
                while !Task.isCancelled {
                    // Ends early only by cancellation, which the loop checks.
                    try? await Task.sleep(for: Self.pause)
                    lookAgain.raise()
                }
            }
            group.addTask { [state, lookAgain] in
                for await _ in state.apiServersChanged.changes { lookAgain.raise() }
            }
            for await _ in lookAgain.changes {
                let now = current
                guard now != known else { continue }
                known = now
                await onChange(now)
            }
            group.cancelAll()
        }
    }
}
