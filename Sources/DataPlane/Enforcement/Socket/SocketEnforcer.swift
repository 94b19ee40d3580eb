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
/// - A TCP connection keeps its endpoint. A UDP socket that is connected to one that goes is ended: its process reads
///   ECONNABORTED, and has to connect anew. Datagrams of sockets that are not connected follow the endpoints.
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
                KernelBPF(), at: place, policy: policy, tracking: SocketTracking(try KernelRuleset()),
                sockets: KernelLedSockets.find(logger), logger: logger, pauses: pauses)
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

    /// What a clean-up found.
    package struct Leftovers: Equatable, Sendable {
        /// Programs and maps under names that are seen from here.
        package var hadNames = false
        /// Programs that ran under names of another mount namespace, and run no more.
        package var detached = 0
        /// Why nobody could look for such programs.
        package var blindness: String?
        /// The table that kept connections from being tracked.
        package var hadTable = false

        package var isEmpty: Bool { !hadNames && detached == 0 && !hadTable }
    }

    /// Removes what an earlier process in this network namespace left. Connections go on.
    ///
    /// - Parameter folder: where its names are, if they are seen from here.
    package static func cleanUp(_ folder: String? = SocketPlace.leftover) throws -> Leftovers {
        let system = KernelBPF()
        var found = Leftovers()
        // Programs with names that were removed end a moment later: so they are counted, and detached, before.
        let named = try folder.map { (folder) throws(BPFError) in try SocketPlace.attached(folder, system) } ?? 0
        do throws(BPFError) {
            found.detached = max(0, try SocketPlace.detach(system) - named)
        } catch {
            found.blindness = error.isForWantOfPermission ? "it needs CAP_SYS_ADMIN" : "\(error)"
        }
        if let folder { found.hadNames = try SocketPlace.remove(folder, system) }
        found.hadTable = try SocketTracking.cleanUp()
        return found
    }
}
