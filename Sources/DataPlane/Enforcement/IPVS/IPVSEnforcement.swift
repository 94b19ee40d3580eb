import Conntrack
import Glibc
import IPVS
import KubeModel
import Logging
import NFTables
import Netlink
import NetworkTypes
import System
import TrafficModel

/// The work of `IPVSEnforcer`, on the thread that talks with the kernel.
///
/// Our table of nftables goes on doing all but the choice: who is refused, kept out and masqueraded. What it lets through
/// arrives at an address of the device, where a virtual server leads on.
struct IPVSEnforcement: KernelEnforcement {
    static let threadName = "ipvs"
    /// Seconds between two looks.
    struct Pauses {
        /// At what drains.
        var draining: Int64 = 2
        /// At virtual servers and addresses.
        var servers: Int64 = 10
        /// At all real servers, for which each virtual server is asked.
        var reals: Int64 = 300
    }

    private var rules: NFTablesEnforcement
    private let servers: any VirtualServers
    private let device: any AddressDevice
    private let neighbours: NeighbourGuard
    /// Why neighbours are told what they should not; said once.
    private var guardTrouble: NFTablesError?
    private let logger: Logger
    private let pauses: Pauses
    private let onLoss: @Sendable () -> Void
    private(set) var plan: IPVSPlan
    private var failures: [FrontendKey: Failure] = [:]
    /// What the device has.
    private var addresses: Set<IPAddress> = []
    /// Which of them no Service needs any more.
    private var unused: Set<IPAddress> = []
    /// What memory says stands.
    private var isTrusted = false
    private var isLost = false
    private var lastDrain: Int64 = 0
    private var lastLook: (servers: Int64, reals: Int64) = (0, 0)

    private typealias Failure = (reason: EnforcementProblem.Reason, message: String)

    init(
        rules: NFTablesEnforcement, ruleset: any NFRuleset, servers: any VirtualServers, device: any AddressDevice,
        scheduler: IPVSScheduler,
        logger: Logger, pauses: Pauses = Pauses(), onLoss: @escaping @Sendable () -> Void
    ) {
        self.pauses = pauses
        self.rules = rules
        neighbours = NeighbourGuard(ruleset)
        self.servers = servers
        self.device = device
        self.logger = logger
        self.onLoss = onLoss
        plan = IPVSPlan(scheduler: scheduler)
    }

    // MARK: Batches

    mutating func enforce(_ batch: EnforcementBatch) -> EnforcementReport {
        let batch = batch.forKernel
        let wanted = rules.plan(batch)
        for change in wanted.changes { plan.take(change, ownAddresses: batch.node.ownAddresses) }
        var trouble: NetlinkError?
        var failure: NFTablesError?
        do throws(NetlinkError) {
            failure = try carryOut(wanted, of: batch, fromList: !isTrusted || batch.extent == .everything)
            // Something was not as memory had it.
            if !isTrusted { failure = try carryOut(wanted, of: batch, fromList: true) }
        } catch {
            trouble = error
            isTrusted = false
        }
        rules.sweep(wanted, of: batch, isInEffect: failure == nil && trouble == nil)
        var report = rules.report(wanted, failure, beside: failures)
        if let trouble, report.failure == nil { report.failure = "IPVS: \(trouble)" }
        return report
    }

    /// - Parameter fromList: begins with what the kernel has rather than with what memory says.
    /// - Returns: why the table is not as it should be.
    private mutating func carryOut(
        _ wanted: FrontendPlanner.Plan, of batch: EnforcementBatch, fromList: Bool
    ) throws(NetlinkError) -> NFTablesError? {
        var keys = Set(wanted.changes.map(\.key))
        var touched = plan.takeTouched()
        if fromList {
            try list()
            keys = plan.keys
            touched = plan.addresses.union(addresses)
            failures = [:]
        }
        for key in keys { failures[key] = nil }
        // Where only some are let in the guard comes first.
        let guarded = Set(wanted.changes.compactMap(\.guardedKey))
        try serve(plan.steps(for: keys.subtracting(guarded)))
        let failure = rules.commit(wanted, of: batch)
        try serve(plan.steps(for: guarded.intersection(keys)))
        let new = touched.filter { plan.isToHave($0) && !addresses.contains($0) }
        unused.formUnion(touched.filter { !plan.isToHave($0) && addresses.contains($0) })
        if !new.isEmpty {
            keepQuiet { (neighbours) throws(NFTablesError) in try neighbours.add(new) }
            note(try device.add(new.sorted()))
            addresses.formUnion(new)
        }
        if failure == nil {
            try perform(plan.steps(for: keys).removals)
            try dropAddresses()
        }
        return failure
    }

    /// First the virtual servers, then the real ones of those that are ours.
    private mutating func serve(_ steps: IPVSPlan.Steps) throws(NetlinkError) {
        try perform(steps.servers)
        let own = steps.reals.filter { change in
            FrontendKey(change.key).map { plan.standing[$0] != nil } ?? false
        }
        try perform(own)
    }

    private mutating func perform(_ changes: [IPVSChange]) throws(NetlinkError) {
        guard !changes.isEmpty else { return }
        let refusals = try servers.perform(changes)
        guard !refusals.isEmpty else { return plan.commit(changes) }
        let refused = Set(refusals.map(\.change))
        plan.commit(changes.filter { !refused.contains($0) })
        for refusal in refusals { note(refusal) }
    }

    private mutating func note(_ refusal: IPVSRefusal) {
        guard let key = FrontendKey(refusal.change.key) else { return }
        switch (refusal.change, refusal.cause.number) {
        case (.addServer(let server), EEXIST):
            failures[key] = (.addressInUse, "another program has a virtual server of IPVS at \(server.key)")
        case (.addServer(let server), ENOENT), (.changeServer(let server), ENOENT):
            failures[key] = (.failed, "this kernel lacks the scheduler \(server.scheduler) (ip_vs_\(server.scheduler))")
        case (.removeServer, ESRCH), (.removeReal, ESRCH), (.removeReal, ENOENT):
            plan.commit([refusal.change])
        default:
            failures[key] = (refusal.cause.number == EPERM ? .notPermitted : .failed, "\(refusal)")
            // Something is not as memory has it: listing tells what.
            isTrusted = false
        }
    }

    private mutating func note(_ refusals: [IPAddress: KernelRefusal]) {
        for (ip, refusal) in refusals {
            isTrusted = false
            for key in plan.wanted.keys where key.address.ip == ip {
                failures[key] = (.failed, "address \(ip) on \(IPVSEnforcer.device): \(refusal)")
            }
        }
    }

    // MARK: Looking

    /// Takes what stands from the kernel.
    private mutating func list() throws(NetlinkError) {
        try device.make(owner: IPVSEnforcer.owner)
        plan.adopt(try Self.standing(servers))
        addresses = try device.addresses()
        let present = addresses
        if (try? neighbours.guards(present)) != true {
            keepQuiet { (neighbours) throws(NFTablesError) in try neighbours.replace(with: present) }
        }
        isTrusted = true
        isLost = false
        let now = MonotonicClock.seconds
        lastLook = (now, now)
    }

    /// The virtual servers that are ours, with their real ones.
    static func standing(_ servers: any VirtualServers) throws(NetlinkError) -> [FrontendKey: IPVSPlan.Standing] {
        var found: [FrontendKey: IPVSPlan.Standing] = [:]
        for server in try servers.list() where server.flags.contains(.owned) {
            guard let key = FrontendKey(server.key) else { continue }
            let weights = try servers.realServers(of: server.key).map { ($0.server.address, $0.server.weight) }
            found[key] = IPVSPlan.Standing(server: server, weights: Dictionary(weights) { first, _ in first })
        }
        return found
    }

    /// Ends what has drained, and looks whether what stood still does.
    mutating func audit() {
        rules.audit()
        guard isTrusted, !isLost else { return }
        let now = MonotonicClock.seconds
        // Whoever cannot be asked now is asked at the next look.
        do throws(NetlinkError) {
            if now - lastDrain >= pauses.draining {
                lastDrain = now
                try drain()
            }
            guard now - lastLook.servers >= pauses.servers else { return }
            lastLook.servers = now
            let isWhole = now - lastLook.reals >= pauses.reals
            if isWhole { lastLook.reals = now }
            if try !isSound(withReals: isWhole) {
                isLost = true
                isTrusted = false
                onLoss()
            }
        } catch {
            logger.debug("virtual servers could not be looked at: \(error)")
        }
    }

    /// Ends real servers without a weight whose connections have ended.
    mutating func drain() throws(NetlinkError) {
        for key in plan.draining {
            let reals = try servers.realServers(of: VirtualServer.Key(key))
            try perform(plan.drained(reals, at: key))
        }
        try dropAddresses()
    }

    /// Takes from the device what neither a Service nor what is left of one needs.
    private mutating func dropAddresses() throws(NetlinkError) {
        guard !unused.isEmpty else { return }
        unused = unused.filter { !plan.isToHave($0) }
        let free = unused.subtracting(plan.draining.map(\.address.ip))
        guard !free.isEmpty else { return }
        unused.subtract(free)
        note(try device.remove(free.sorted()))
        addresses.subtract(free)
        keepQuiet { (neighbours) throws(NFTablesError) in try neighbours.remove(free) }
    }

    /// Changes what neighbours are not told. Traffic does not depend on it: what fails is logged, and mended with all else.
    private mutating func keepQuiet(_ change: (NeighbourGuard) throws(NFTablesError) -> Void) {
        do throws(NFTablesError) {
            try change(neighbours)
            guardTrouble = nil
            rules.passOver(transactions: 1)
        } catch {
            guard error != guardTrouble else { return }
            guardTrouble = error
            logger.warning("this machine may answer ARP for addresses of Services on every interface: \(error)")
        }
    }

    private func isSound(withReals: Bool) throws(NetlinkError) -> Bool {
        guard try device.addresses() == addresses else { return false }
        // One that cannot be had is not missed again and again.
        if guardTrouble == nil, (try? neighbours.guards(addresses)) == false { return false }
        if withReals { return try Self.standing(servers) == plan.standing }
        let own = try servers.list().filter { $0.flags.contains(.owned) }
        return Set(own) == Set(plan.standing.values.map(\.server))
    }

    // MARK: Others

    /// What keeps traffic from Services although it is enforced.
    func obstacles() -> [TrafficObstacle] { rules.obstacles() }
}

extension FrontendPlanner.Change {
    /// The address, where only some clients are let in.
    fileprivate var guardedKey: FrontendKey? {
        guard case .set(let key, let frontend, _) = self, frontend.sourceRanges != .everyone else { return nil }
        return key
    }
}
