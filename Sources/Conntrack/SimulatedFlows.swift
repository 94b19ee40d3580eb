package import Netlink
internal import Synchronization

/// Flows without a kernel, for tests of whatever deletes them.
package final class SimulatedFlows: TrackedFlows {
    // The mutex protects the flows.
    private let state: Mutex<(flows: Set<Flow>, filters: [FlowFilter])>

    package init(_ flows: Set<Flow> = []) { state = Mutex((flows, [])) }

    /// Those that are left.
    package var flows: Set<Flow> { state.withLock { $0.flows } }

    /// What was asked for so far.
    package var filters: [FlowFilter] { state.withLock { $0.filters } }

    package func delete(_ filter: FlowFilter, where isStale: (Flow) -> Bool) throws(NetlinkError) -> Int {
        let stale = flows.filter { filter.matches($0) && isStale($0) }
        state.withLock { state in
            state.filters.append(filter)
            state.flows.subtract(stale)
        }
        return stale.count
    }
}
