import Conntrack
import KubeModel
import Logging
import NFTables
import Netlink
import NetworkTypes
import System
import TrafficModel

/// The work of `NFTablesEnforcer`, on the thread that talks with the kernel.
struct NFTablesEnforcement: KernelEnforcement {
    static let threadName = "nftables"

    /// The most elements of one transaction. Longer ones are cut between frontends, which are in effect one by one then:
    /// on a start nothing was there before, so that nothing is missed.
    static let longestTransaction = 250_000
    /// How often it looks and tries to bring everything to where it should be, before it says that it cannot.
    static let attempts = 6
    /// The longest time without a look at all that is in the table, and the shortest between two.
    static let auditPauses: (most: Int64, least: Int64) = (300, 10)

    private let ruleset: any NFRuleset
    private let loopback: any LoopbackRouting
    /// What the fast path is to be now; nil for none.
    private let fastPath: (() -> FastPath)?
    private var sweeper: StaleFlowSweeper?
    private let logger: Logger
    private let onLoss: @Sendable () -> Void
    private var planner = FrontendPlanner()
    private var plan: NFTablesPlan
    private var failures: [FrontendKey: String] = [:]
    /// What memory says is in effect.
    private var isTrusted = false
    /// A loss was told and not answered yet.
    private var isLost = false
    private var generation: UInt32 = 0
    private var lastAudit: Int64 = 0
    private var isAuditDue = false

    init(
        ruleset: any NFRuleset, loopback: any LoopbackRouting, policy: MasqueradePolicy,
        chooser: EndpointChooser = .rules, fastPath: (() -> FastPath)? = nil, flows: (any TrackedFlows)?,
        logger: Logger,
        onLoss: @escaping @Sendable () -> Void
    ) {
        self.ruleset = ruleset
        self.loopback = loopback
        self.fastPath = fastPath
        sweeper = flows.map { StaleFlowSweeper($0, logger: logger) }
        self.logger = logger
        self.onLoss = onLoss
        plan = NFTablesPlan(policy: policy, chooser: chooser, fastPath: fastPath?())
    }

    // MARK: Batches

    mutating func enforce(_ batch: EnforcementBatch) -> EnforcementReport {
        let batch = batch.forKernel
        let wanted = plan(batch)
        let failure = commit(wanted, of: batch)
        sweep(wanted, of: batch, isInEffect: failure == nil)
        return report(wanted, failure)
    }

    /// What a batch comes to. Its caller commits that next.
    mutating func plan(_ batch: EnforcementBatch) -> FrontendPlanner.Plan {
        planner.plan(batch.changes, on: batch.node)
    }

    /// Brings a plan into effect.
    ///
    /// - Returns: why it is not.
    mutating func commit(_ wanted: FrontendPlanner.Plan, of batch: EnforcementBatch) -> NFTablesError? {
        var failure: NFTablesError?
        do throws(NFTablesError) {
            if isTrusted, batch.extent == .changes {
                try commit(plan.apply(wanted.changes, of: batch.changes, on: batch.node))
            } else {
                try reconcile(wanted.changes, batch)
            }
        } catch {
            failure = error
            isTrusted = false
        }
        if failure != nil, batch.extent == .changes {
            // Something is not as memory has it: listing tells what.
            do throws(NFTablesError) {
                try reconcile([], batch)
                failure = nil
            } catch {
                failure = error
            }
        }
        return failure
    }

    /// Ends the flows that a plan made wrong.
    mutating func sweep(_ wanted: FrontendPlanner.Plan, of batch: EnforcementBatch, isInEffect: Bool) {
        sweeper?.sweep(batch, wanted, isInEffect: isInEffect)
    }

    /// - Parameter others: what else failed, of the addresses that stand.
    mutating func report(
        _ wanted: FrontendPlanner.Plan, _ failure: NFTablesError?,
        beside others: [FrontendKey: (reason: EnforcementProblem.Reason, message: String)] = [:]
    ) -> EnforcementReport {
        if let failure {
            for change in wanted.changes {
                if case .set(let key, _, _) = change { failures[key] = failure.description }
            }
        } else {
            // All of the plan is in effect, whichever batch it came with.
            failures = [:]
        }
        let isPermitted = failure.map { !$0.isForWantOfPermission } ?? true
        return EnforcementReport(
            problems: planner.problems(of: wanted.affected) { [failures] key in
                failures[key].map { (isPermitted ? .failed : .notPermitted, $0) } ?? others[key]
            }, servedCount: plan.entries.count - Set(failures.keys).union(others.keys).count,
            failure: failure?.description)
    }

    /// Lists the table and brings it to where it should be.
    private mutating func reconcile(_ changes: [FrontendPlanner.Change], _ batch: EnforcementBatch)
        throws(NFTablesError)
    {
        var isApplied = false
        // Others may change rules while we look: then we look again. Where they never stop, the last attempt minds only what
        // is in our table, as any other transaction does.
        for attempt in 1...Self.attempts {
            do throws(NFTablesError) {
                let listing = try ruleset.listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets)
                if !isApplied {
                    if plan.entries.isEmpty, let listing { plan.adopt(listing) }
                    _ = plan.apply(changes, of: batch.changes, on: batch.node)
                    plan.forgetAdopted()
                    isApplied = true
                }
                plan.fastPath = fastPath?()
                try commit(
                    plan.repairs(of: listing), expecting: attempt < Self.attempts ? listing?.generation : nil)
                break
            } catch {
                // A device may have gone between the look and the transaction.
                let isOther = fastPath.map { $0() != plan.fastPath } ?? false
                guard error.isPassing || isOther, attempt < Self.attempts else {
                    // What is wanted is wanted, whatever the kernel says.
                    if !isApplied { _ = plan.apply(changes, of: batch.changes, on: batch.node) }
                    throw error
                }
            }
        }
        if loopback.isOn == false {
            // After the guard is there.
            do throws(SystemError) {
                try loopback.turnOn()
            } catch {
                logger.warning("Services at 127.0.0.0/8 reach no endpoints elsewhere: \(error)")
            }
        }
        isTrusted = true
        isLost = false
        isAuditDue = false
        lastAudit = MonotonicClock.seconds
    }

    private mutating func commit(_ operations: [NFTransaction.Operation], expecting expected: UInt32? = nil)
        throws(NFTablesError)
    {
        let pieces = NFTransaction(TableLayout.table, operations).pieces(elements: Self.longestTransaction)
        for piece in pieces {
            // Cut up it cannot be what somebody else's change was expected not to be in.
            try ruleset.commit(piece, expecting: pieces.count == 1 ? expected : nil)
            generation &+= 1
        }
    }

    /// Rules were changed besides by us: that alone is no reason to look.
    mutating func passOver(transactions: UInt32) { generation &+= transactions }

    // MARK: Looking after it

    /// Looks whether somebody else changed rules, and if so whether ours are still there.
    mutating func audit() {
        guard isTrusted, !isLost else { return }
        followDevices()
        // Whoever cannot be asked now is asked at the next look.
        guard let present = try? ruleset.generation() else { return }
        let now = MonotonicClock.seconds
        if present != generation {
            generation = present
            isAuditDue = true
            // Chains and rules are few: what was flushed or deleted as a whole is seen at once.
            if isBroken(elements: false) { return tell() }
        }
        guard (isAuditDue && now - lastAudit >= Self.auditPauses.least) || now - lastAudit >= Self.auditPauses.most
        else { return }
        lastAudit = now
        isAuditDue = false
        if isBroken(elements: true) { tell() }
    }

    /// Takes in devices that came; those that went are gone from the flowtable by themselves.
    private mutating func followDevices() {
        guard let known = plan.fastPath?.devices, let present = fastPath?(), present.devices != known else { return }
        let new = FastPath(devices: present.devices.filter { known[$0.key] != $0.value })
        do throws(NFTablesError) {
            if !new.devices.isEmpty { try commit(new.additions) }
            plan.fastPath = present
        } catch {
            // One that has gone again, most likely: the next look tells.
            logger.debug("the fast path does not have its new devices yet: \(error)")
        }
    }

    private mutating func tell() {
        isLost = true
        isTrusted = false
        onLoss()
    }

    private func isBroken(elements: Bool) -> Bool {
        let left = elements ? TableLayout.dynamicSets : TableLayout.allSets
        guard let listing = try? ruleset.listing(of: TableLayout.table, leavingOut: left) else {
            return (try? ruleset.tables().contains(TableLayout.table)) == false
        }
        return elements ? !plan.repairs(of: listing).isEmpty : !plan.isSkeletonSound(listing)
    }

    // MARK: Others

    /// What keeps traffic from Services although it is enforced.
    func obstacles() -> [TrafficObstacle] {
        var facts = MachineFacts(
            forwardsIPv4: KernelSetting.forwardIPv4.isOn, forwardsIPv6: KernelSetting.forwardIPv6.isOn,
            strictInterfaces: KernelSetting.strictInterfaces)
        // A kernel that cannot be listed has told so already.
        let tables = (try? ruleset.tables()) ?? []
        facts.tables = tables.filter { $0 != TableLayout.table && $0.family != .arp }.sorted { "\($0)" < "\($1)" }
        for table in facts.tables {
            let chains = (try? ruleset.chains(of: table)) ?? []
            facts.chains += chains.sorted { $0.name < $1.name }.map { (table, $0) }
        }
        return facts.obstacles
    }
}
