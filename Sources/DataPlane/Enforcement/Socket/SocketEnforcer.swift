import BPF
package import Logging
import NFTables
import Synchronization
package import TrafficModel

/// Leads sockets of processes on this node to endpoints at the moment when they connect, in front of a kernel mode: what
/// they send then pays no translation. All other traffic, and whatever cannot be judged at that moment, is the kernel mode's.
///
/// - Programs are attached to a control group (cgroups(7)) and run for all processes below it. Those in other network
///   namespaces (containers) are led from cluster IPs only, and only where nobody has to be masqueraded.
/// - A connection keeps its endpoint, also a connected UDP socket: as a name for an endpoint that is gone it stays silent
///   or is refused until it connects anew. Datagrams of sockets that are not connected follow the endpoints.
/// - Programs and maps outlive the process, and the next one takes them over.
package final class SocketEnforcer: ServiceEnforcer {
    private let base: any ServiceEnforcer
    private let worker: KernelWorker<SocketEnforcement>

    /// - Parameters:
    ///   - base: enforces everything.
    ///   - policy: that of the base.
    /// - Throws: `BPFError` where this kernel or this user cannot have it.
    package convenience init(
        before base: any ServiceEnforcer, at place: SocketPlace, policy: MasqueradePolicy = MasqueradePolicy(),
        logger: Logger, audit: Duration = .seconds(1)
    ) throws {
        // Whoever looks often wants to see what is amiss.
        let pauses = audit < .seconds(1) ? SocketEnforcement.Pauses(links: 0, maps: 0, retry: 1) : .init()
        try self.init(before: base, audit: audit) {
            try SocketEnforcement(
                KernelBPF(), at: place, policy: policy, tracking: SocketTracking(try KernelRuleset()), logger: logger,
                pauses: pauses)
        }
    }

    init(
        before base: any ServiceEnforcer, audit: Duration, _ make: @escaping @Sendable () throws -> SocketEnforcement
    ) throws {
        self.base = base
        worker = try KernelWorker(audit: audit, make)
    }

    package var losses: AsyncStream<EnforcementLoss> { base.losses }
    package var crowding: AsyncStream<RelayCrowding> { base.crowding }
    package func balances(by balancing: ServiceBalancing) -> Bool { base.balances(by: balancing) }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        // First: who is led past the rules is not to be led by what they no longer say.
        await worker.run { $0.enforce(batch) }
        return await base.enforce(batch)
    }

    /// Leaves everything in effect.
    package func shutDown(grace: Duration) async {
        worker.stop()
        await base.shutDown(grace: grace)
    }

    /// Why connections take the way by the rules that could do without.
    package func obstacles() async -> [TrafficObstacle] { await worker.run { $0.obstacles() } ?? [] }

    /// Removes what an earlier process in this network namespace left. Connections go on.
    ///
    /// - Parameter folder: where it is.
    /// - Returns: whether there was anything.
    package static func cleanUp(_ folder: String? = SocketPlace.leftover) throws -> Bool {
        let hadPrograms = try folder.map { (folder) throws(BPFError) in try SocketPlace.remove(folder, KernelBPF()) }
        let hadTable = try SocketTracking.cleanUp()
        return hadPrograms == true || hadTable
    }
}
