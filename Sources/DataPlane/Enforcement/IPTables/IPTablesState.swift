import Conntrack
import KubeModel
import Logging
import NFTables
import NetworkTypes
import System
import TrafficModel

/// What the enforcer knows: the Services, which addresses are whose, and what is in the kernel. Its methods run programs
/// and block.
struct IPTablesState {
    /// How many Services a script may lose, one failure each, before it is given up as a whole.
    private static let culpritLimit = 8
    /// How many rules of shared chains a change may delete: among 10,000 one takes 10 ms. Replacing all is cheaper beyond.
    private static let deletionLimit = 1000

    private let policy: MasqueradePolicy
    private let tools: [IPFamily: Result<IPTablesTool, IPTablesTool.Failure>]
    private var sweeper: StaleFlowSweeper
    private var planner = FrontendPlanner()
    private var entries: [NamespacedName: ServiceEntry] = [:]
    /// What is in effect; absent until it is known to be.
    private var rulesets: [IPFamily: IPTablesRuleset] = [:]
    private let loopback: any LoopbackRouting
    /// A cluster IP is in 127.0.0.0/8.
    private var wantsLoopback = false
    /// Why answers do not find to 127.0.0.0/8.
    private var loopbackTrouble: String?
    /// Tells when anybody changed any rule set, where the kernel's nftables keeps those of iptables.
    private let ruleset: (any NFRuleset)?
    /// The generation in which everything was there.
    private var soundGeneration: UInt32?
    /// A loss was told, and nothing was replaced since.
    private var isLossTold = false
    /// The Services that are not in effect, and why.
    private var failures: [IPFamily: [NamespacedName: String]] = [:]

    init(
        policy: MasqueradePolicy, tools: [IPFamily: Result<IPTablesTool, IPTablesTool.Failure>],
        flows: any TrackedFlows, loopback: any LoopbackRouting = KernelLoopbackRouting(),
        ruleset: (any NFRuleset)? = nil,
        logger: Logger
    ) {
        self.loopback = loopback
        self.ruleset = ruleset
        self.policy = policy
        self.tools = tools
        sweeper = StaleFlowSweeper(flows, logger: logger)
    }

    // MARK: Batches

    mutating func enforce(_ batch: EnforcementBatch) -> EnforcementReport {
        let batch = batch.forKernel
        if batch.extent == .everything { rulesets = [:] }
        let plan = planner.plan(batch.changes, on: batch.node)
        for change in batch.changes { entries[change.key] = change.after }
        let touched = plan.affected.union(batch.changes.lazy.map(\.key))
        // Whoever was not in effect may be now, and the other way round: a refused script takes others with it.
        var told = failures.values.reduce(plan.affected) { $0.union($1.keys) }
        for family in IPFamily.allCases {
            guard case .success(let tool)? = tools[family] else { continue }
            let frame = IPTablesFrame(family, node: batch.node, policy: policy)
            if rulesets[family]?.frame == frame {
                change(touched, frame, tool, batch.node)
            } else {
                replace(IPTablesRuleset(frame), tool, batch.node)
            }
        }
        routeLoopback(batch)
        for named in failures.values { told.formUnion(named.keys) }
        let problems = planner.problems(of: told) { failure(of: $0) }
        let isRefused = tools.contains { family, tool in
            if case .success = tool { rulesets[family] == nil } else { false }
        }
        sweeper.sweep(batch, plan, isInEffect: !isRefused)
        return EnforcementReport(
            problems: problems, servedCount: servedCount,
            failure: isRefused ? "iptables-restore refused the rules" : nil)
    }

    /// Has the kernel route 127.0.0.0/8, once the guard is there, where addresses of Services are in it.
    private mutating func routeLoopback(_ batch: EnforcementBatch) {
        wantsLoopback =
            wantsLoopback
            || batch.changes.contains { $0.after?.clusterIPs.contains { $0.family == .v4 && $0.isLoopback } ?? false }
        guard let ruleset = rulesets[.v4], wantsLoopback || ruleset.frame.routesLoopback else { return }
        // Also by somebody else.
        if loopback.isOn == true {
            loopbackTrouble = nil
            return
        }
        do throws(SystemError) {
            try loopback.turnOn()
            loopbackTrouble = nil
        } catch {
            loopbackTrouble = "\(error)"
        }
    }

    private mutating func change(
        _ services: Set<NamespacedName>, _ frame: IPTablesFrame, _ tool: IPTablesTool, _ node: NodeIdentity
    ) {
        var rules: [NamespacedName: IPTablesServiceRules] = [:]
        for service in services {
            rules[service] = self.rules(of: service, frame, node)
            failures[tool.family]?[service] = nil
        }
        for _ in 0..<Self.culpritLimit {
            guard let script = rulesets[tool.family]?.change(rules), script.deletionCount <= Self.deletionLimit else {
                break
            }
            do throws(IPTablesTool.Failure) {
                try tool.load(script)
                rulesets[tool.family]?.commit(rules)
                return
            } catch {
                guard let culprit = error.line.flatMap({ script.owner(ofLine: $0) }), rules[culprit] != nil else {
                    break
                }
                failures[tool.family, default: [:]][culprit] = error.description
                rules[culprit] = IPTablesServiceRules()
            }
        }
        // The kernel has something else than what was committed, or will not say what it minds; or it is too much.
        replace(IPTablesRuleset(frame), tool, node)
    }

    private mutating func replace(_ ruleset: IPTablesRuleset, _ tool: IPTablesTool, _ node: NodeIdentity) {
        var ruleset = ruleset
        failures[tool.family] = [:]
        isLossTold = false
        rulesets[tool.family] = nil
        var rules: [NamespacedName: IPTablesServiceRules] = [:]
        for service in entries.keys { rules[service] = self.rules(of: service, ruleset.frame, node) }
        var reason = "the kernel refused the rules"
        for _ in 0..<Self.culpritLimit {
            var script = RestoreScript()
            do throws(IPTablesTool.Failure) {
                script = ruleset.replacement(rules, over: try tool.list())
                try tool.load(script)
                ruleset.commitReplacement(rules)
                rulesets[tool.family] = ruleset
                return
            } catch {
                reason = error.description
                guard let culprit = error.line.flatMap({ script.owner(ofLine: $0) }), rules[culprit] != nil else {
                    break
                }
                failures[tool.family]?[culprit] = reason
                rules[culprit] = nil
            }
        }
        for service in entries.keys { failures[tool.family]?[service] = reason }
    }

    private func rules(of service: NamespacedName, _ frame: IPTablesFrame, _ node: NodeIdentity) -> IPTablesServiceRules
    {
        guard let entry = entries[service] else { return IPTablesServiceRules() }
        return IPTablesServiceRules(entry, frame, on: node) { planner[$0]?.backend.port.service == service }
    }

    // MARK: Reports

    private func failure(of key: FrontendKey) -> (reason: EnforcementProblem.Reason, message: String)? {
        guard let frontend = planner[key] else { return nil }
        if case .failure(let reason)? = tools[key.address.ip.family] { return (.unsupported, reason.description) }
        if let loopbackTrouble, key.address.ip.family == .v4, key.address.ip.isLoopback {
            return (.failed, loopbackTrouble)
        }
        return failures[key.address.ip.family]?[frontend.backend.port.service].map { (.failed, $0) }
    }

    private var servedCount: Int { planner.addresses.count { failure(of: $0) == nil } }

    // MARK: Verification

    /// Whether the kernel has what was committed. What is not known to be in effect is not looked at: the caller was
    /// told, also after this has told of a loss.
    ///
    /// The kernel is listed only where rule sets changed since the last look, or nobody can tell.
    mutating func isIntact() -> Bool {
        guard !isLossTold else { return true }
        // Before the look: what changes meanwhile is looked at again. Where it cannot be asked for, every time is new.
        let generation = try? ruleset?.generation()
        if let generation, generation == soundGeneration { return true }
        guard agrees else {
            isLossTold = true
            return false
        }
        soundGeneration = generation
        return true
    }

    private var agrees: Bool {
        for (family, ruleset) in rulesets {
            guard case .success(let tool)? = tools[family] else { continue }
            do throws(IPTablesTool.Failure) {
                if !ruleset.agrees(with: try tool.list()) { return false }
            } catch {
                // Not being able to look says nothing about the rules.
                continue
            }
        }
        return true
    }
}
