import Conntrack
import KubeModel
import Logging
import Netlink
import NetworkTypes
import TrafficModel

/// What the enforcer knows: the Services, which addresses are whose, and what is in the kernel. Its methods run programs
/// and block.
struct IPTablesState {
    /// How many Services a script may lose, one failure each, before it is given up as a whole.
    private static let culpritLimit = 8

    private let policy: MasqueradePolicy
    private let tools: [IPFamily: Result<IPTablesTool, IPTablesTool.Failure>]
    private let flows: any TrackedFlows
    private let logger: Logger
    private var planner = FrontendPlanner()
    private var entries: [NamespacedName: ServiceEntry] = [:]
    /// What is in effect; absent until it is known to be.
    private var rulesets: [IPFamily: IPTablesRuleset] = [:]
    /// The Services that are not in effect, and why.
    private var failures: [IPFamily: [NamespacedName: String]] = [:]

    init(
        policy: MasqueradePolicy, tools: [IPFamily: Result<IPTablesTool, IPTablesTool.Failure>],
        flows: any TrackedFlows, logger: Logger
    ) {
        self.policy = policy
        self.tools = tools
        self.flows = flows
        self.logger = logger
    }

    // MARK: Batches

    mutating func enforce(_ batch: EnforcementBatch) -> EnforcementReport {
        if batch.extent == .everything { rulesets = [:] }
        let plan = planner.plan(batch.changes, on: batch.node)
        for change in batch.changes { entries[change.key] = change.after }
        let touched = plan.affected.union(batch.changes.lazy.map(\.key))
        for family in IPFamily.allCases {
            guard case .success(let tool)? = tools[family] else { continue }
            let frame = IPTablesFrame(family, node: batch.node, policy: policy)
            if let ruleset = rulesets[family], ruleset.frame == frame {
                change(touched, ruleset, tool, batch.node)
            } else {
                replace(IPTablesRuleset(frame), tool, batch.node)
            }
        }
        endStaleFlows(batch, plan)
        let problems = planner.problems(of: plan.affected) { failure(of: $0) }
        let isRefused = tools.contains { family, tool in
            if case .success = tool { rulesets[family] == nil } else { false }
        }
        return EnforcementReport(
            problems: problems, servedCount: servedCount,
            failure: isRefused ? "iptables-restore refused the rules" : nil)
    }

    private mutating func change(
        _ services: Set<NamespacedName>, _ ruleset: IPTablesRuleset, _ tool: IPTablesTool, _ node: NodeIdentity
    ) {
        var ruleset = ruleset
        var rules: [NamespacedName: IPTablesServiceRules] = [:]
        for service in services {
            rules[service] = self.rules(of: service, ruleset.frame, node)
            failures[tool.family]?[service] = nil
        }
        for _ in 0..<Self.culpritLimit {
            let script = ruleset.change(rules)
            do throws(IPTablesTool.Failure) {
                try tool.load(script)
                ruleset.commit(rules)
                rulesets[tool.family] = ruleset
                return
            } catch {
                guard let culprit = error.line.flatMap({ script.owner(ofLine: $0) }), rules[culprit] != nil else {
                    break
                }
                failures[tool.family, default: [:]][culprit] = error.description
                rules[culprit] = IPTablesServiceRules()
            }
        }
        // The kernel has something else than what was committed, or will not say what it minds.
        replace(IPTablesRuleset(ruleset.frame), tool, node)
    }

    private mutating func replace(_ ruleset: IPTablesRuleset, _ tool: IPTablesTool, _ node: NodeIdentity) {
        var ruleset = ruleset
        failures[tool.family] = [:]
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
        return IPTablesServiceRules(entry, frame, on: node) { planner.frontends[$0]?.backend.port.service == service }
    }

    private func endStaleFlows(_ batch: EnforcementBatch, _ plan: FrontendPlanner.Plan) {
        let sweep = StaleFlowSweep(batch, plan) { entries[$0] }
        guard !sweep.isEmpty else { return }
        do throws(NetlinkError) {
            try sweep.run(on: flows)
        } catch {
            logger.warning("flows of endpoints that are gone may go on: \(error)")
        }
    }

    // MARK: Reports

    private func failure(of key: FrontendKey) -> (reason: EnforcementProblem.Reason, message: String)? {
        guard let frontend = planner.frontends[key] else { return nil }
        if case .failure(let reason)? = tools[key.address.ip.family] { return (.unsupported, reason.description) }
        if frontend.role == .nodePort, key.address.ip.isLoopback {
            return (.unsupported, "iptables does not serve node ports on loopback addresses")
        }
        return failures[key.address.ip.family]?[frontend.backend.port.service].map { (.failed, $0) }
    }

    private var servedCount: Int { planner.frontends.keys.count { failure(of: $0) == nil } }

    // MARK: Verification

    /// Whether the kernel has what was committed. What is not known to be in effect is not looked at: the caller was
    /// told.
    func isIntact() -> Bool {
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
