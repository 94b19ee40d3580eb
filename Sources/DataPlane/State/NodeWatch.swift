import NetworkTypes
import TrafficModel

/// Follows the addresses of this machine.
struct NodeWatch: Sendable {
    /// How often they are looked at.
    static let pause: Duration = .seconds(15)

    let name: String
    /// The networks on whose addresses node ports are served; empty for all.
    let nodePortRanges: [CIDR]

    /// This node as it is now.
    var current: NodeIdentity {
        let all = NodeAddresses.current(in: [])
        return NodeIdentity(
            name: name, nodePortAddresses: NodeAddresses.current(in: nodePortRanges), ownAddresses: Set(all))
    }

    /// Calls `onChange` whenever something is different, until cancelled.
    func run(since first: NodeIdentity, _ onChange: @Sendable (NodeIdentity) async -> Void) async {
        var known = first
        while !Task.isCancelled {
            // Ends only by cancellation, which the loop checks.
            try? await Task.sleep(for: Self.pause)
            let now = current
            guard now != known else { continue }
            known = now
            await onChange(now)
        }
    }
}
