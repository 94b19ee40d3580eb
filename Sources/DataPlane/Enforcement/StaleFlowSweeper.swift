import Conntrack
import KubeModel
import Logging
import Netlink
import TrafficModel

/// Ends stale flows batch by batch, each once it is in effect: before, flows would begin anew by the old rules.
struct StaleFlowSweeper {
    private let flows: any TrackedFlows
    private let logger: Logger
    /// What is to be looked at when it is in effect.
    private var unswept: [FrontendKey: FrontendPlanner.Change] = [:]

    init(_ flows: any TrackedFlows, logger: Logger) {
        self.flows = flows
        self.logger = logger
    }

    mutating func sweep(_ batch: EnforcementBatch, _ plan: FrontendPlanner.Plan, isInEffect: Bool) {
        guard isInEffect else {
            for change in plan.changes { unswept[change.key] = change }
            return
        }
        var (batch, plan) = (batch, plan)
        if !unswept.isEmpty {
            for change in plan.changes { unswept[change.key] = nil }
            plan.changes += unswept.values
            batch.extent = .everything
            unswept = [:]
        }
        var services = Dictionary(uniqueKeysWithValues: batch.changes.lazy.map { ($0.key, $0.after) })
        var all: [NamespacedName: ServiceEntry]?
        let sweep = StaleFlowSweep(batch, plan) { name in
            if let known = services[name] { return known }
            // Somebody else's address has become this Service's, which did not change.
            let entries = all ?? batch.services()
            all = entries
            services[name] = entries[name]
            return entries[name]
        }
        guard !sweep.isEmpty else { return }
        do throws(NetlinkError) {
            try sweep.run(on: flows)
        } catch {
            logger.warning("flows to endpoints that are gone may go on until they time out: \(error)")
        }
    }
}
