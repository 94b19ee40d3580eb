package import Conntrack
import KubeModel
package import Logging
package import NFTables
import Netlink
import NetworkTypes
import Synchronization
import System
package import TrafficModel

/// Enforces Services in the kernel, by a table of its own in nftables.
///
/// - A batch is one transaction of the elements it changes. The kernel is listed on start, on a slow timer, and when
///   somebody else changed rules; what is amiss in our table is then told as a loss, and healed by the batch that
///   answers it. No other table is ever touched.
/// - The table outlives the process: established flows go on and new ones are served while nobody is there, and the
///   next process takes the table over as it finds it.
package final class NFTablesEnforcer: ServiceEnforcer {
    package let losses: AsyncStream<EnforcementLoss>
    private let lose: AsyncStream<EnforcementLoss>.Continuation
    private let worker: KernelWorker<NFTablesEnforcement>

    /// - Parameters:
    ///   - policy: which connections are masqueraded.
    ///   - hasFastPath: established connections skip the rules; needs a kernel that can (`fastPathObstacle`).
    ///   - flows: of which those are ended that changes make wrong; nil where somebody else does.
    ///   - audit: the pause between looks at whether somebody else changed rules.
    /// - Throws: `NFTablesError` or `SystemError` where this machine or this user cannot have it.
    package init(
        policy: MasqueradePolicy = MasqueradePolicy(), hasFastPath: Bool = false, flows: (any TrackedFlows)? = nil,
        logger: Logger, audit: Duration = .seconds(1)
    ) throws {
        (losses, lose) = AsyncStream.makeStream(of: EnforcementLoss.self)
        worker = try KernelWorker(audit: audit) { [lose] in
            NFTablesEnforcement(
                ruleset: try KernelRuleset(), loopback: KernelLoopbackRouting(), policy: policy,
                fastPath: hasFastPath ? { .ofThisMachine } : nil, flows: flows, logger: logger
            ) { lose.yield(.everything) }
        }
    }

    package func balances(by balancing: ServiceBalancing) -> Bool {
        balancing == .random || balancing == .consistentHash
    }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        await worker.run { $0.enforce(batch) } ?? EnforcementReport()
    }

    /// Leaves the rules in effect.
    package func shutDown(grace: Duration) async {
        worker.stop()
        lose.finish()
    }

    /// What on this machine keeps traffic from Services although it is enforced: a running kube-proxy, firewalls, settings.
    package func obstacles() async -> [TrafficObstacle] { await worker.run { $0.obstacles() } ?? [] }

    /// Whether iptables (over nftables) has a chain of that name in its table nat. False where that cannot be told.
    static func hasLeftovers(ofChain name: String) -> Bool {
        guard let ruleset = try? KernelRuleset() else { return false }
        return [NFFamily.ipv4, .ipv6].contains { family in
            (try? ruleset.chains(of: NFTable(family, "nat")).contains { $0.name == name }) ?? false
        }
    }

    /// Removes every trace of the table, and of what was set for it. Established connections go on.
    ///
    /// - Returns: whether there was one.
    package static func cleanUp() throws(NFTablesError) -> Bool {
        let ruleset = try KernelRuleset()
        guard let listing = try ruleset.listing(of: TableLayout.table, leavingOut: TableLayout.allSets) else {
            return false
        }
        if listing.chains[TableLayout.loopbackGuard] != nil {
            // Before the guard goes.
            do throws(SystemError) {
                try KernelSetting.routeLoopback.turn(false)
            } catch {
                throw .netlink(.system(error))
            }
        }
        try ruleset.commit(NFTransaction(TableLayout.table, [.addTable, .deleteTable]), expecting: nil)
        return true
    }

    /// Why this process cannot have it here; nil where it can. Changes nothing: a table with one rule of each kind is
    /// made and deleted in one transaction, which the kernel checks as any other.
    package static func obstacle() -> String? { obstacle(.rules) }

    /// Why this kernel has no fast path; nil where it has. Changes nothing.
    package static func fastPathObstacle() -> String? { FastPath.obstacle() }

    static func obstacle(_ chooser: EndpointChooser) -> String? {
        var trial = NFTablesPlan(chooser: chooser)
        let operations = trial.trial()
        do throws(NFTablesError) {
            try KernelRuleset().commit(
                NFTransaction(NFTable(.inet, "martlet-trial"), operations + [.deleteTable]), expecting: nil)
            return nil
        } catch {
            return error.isForWantOfPermission
                ? "nftables needs root, or CAP_NET_ADMIN" : "this kernel's nftables refused a trial (\(error))"
        }
    }
}
