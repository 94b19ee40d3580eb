import Glibc
import KubeModel
import NetworkTypes
import Synchronization
package import TrafficModel
package import Transport

/// Enforces Services in user space: relays TCP connections and UDP flows from their addresses to endpoints. It needs no
/// privilege for addresses that Linux routes to itself (127.0.0.0/8) and ports above 1023.
///
/// - Where there is no endpoint there is no socket: the kernel refuses. Silence (`Frontend.Absence.dropped`) is not to
///   be had in user space, so a `Local` Service without endpoints here refuses too.
/// - SCTP is not served: there is nothing that could relay it.
/// - Sockets belong to this process: nothing is ever lost to others, and `everything` means no more than naming every
///   Service.
package final class UserspaceEnforcer: ServiceEnforcer {
    private struct State {
        var planner = FrontendPlanner()
        /// The frontends without a socket that should have one.
        var failures: [FrontendKey: TransportError] = [:]
    }

    package var counters: RelayCounters { relays.counters }
    package let losses: AsyncStream<EnforcementLoss>
    package var crowding: AsyncStream<RelayCrowding> { relays.crowding }
    private let relays: ServiceRelayGroup
    // The mutex protects the plan; batches come one at a time.
    private let state = Mutex(State())

    /// - Parameter descriptors: how many its sockets may have; by default any number.
    package init(loops: [EventLoop], descriptors: Int = .max) {
        relays = ServiceRelayGroup(loops: loops, descriptors: descriptors)
        losses = AsyncStream { $0.finish() }
    }

    package func balances(by balancing: ServiceBalancing) -> Bool {
        [.random, .consistentHash, .leastConnections].contains(balancing)
    }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        let plan = state.withLock { $0.planner.plan(batch.changes, on: batch.node) }
        let failures = await relays.apply(plan.changes.filter { $0.key.transport != .sctp })
        return state.withLock { state in
            for change in plan.changes { state.failures[change.key] = nil }
            for failure in failures { state.failures[failure.key] = failure.error }
            let problems = state.planner.problems(of: plan.affected) { key in
                key.transport == .sctp
                    ? (.unsupported, "SCTP cannot be relayed in user space")
                    : state.failures[key].map { (Self.reason($0), $0.message) }
            }
            return EnforcementReport(problems: problems, servedCount: relays.openCount)
        }
    }

    package func shutDown(grace: Duration) async { await relays.shutDown(grace: grace) }

    private static func reason(_ error: TransportError) -> EnforcementProblem.Reason {
        switch error.code {
        case .addressInUse: .addressInUse
        case .permissionDenied: .notPermitted
        case .system(errno: EADDRNOTAVAIL): .notThisMachine
        default: .failed
        }
    }
}
