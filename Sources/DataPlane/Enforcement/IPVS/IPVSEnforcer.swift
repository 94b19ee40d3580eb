package import Conntrack
import Glibc
import IPVS
package import Logging
import NFTables
import Netlink
import System
package import TrafficModel

/// Enforces Services in the kernel by virtual servers of IPVS, beside a table of nftables that guards and masquerades.
///
/// - A change touches its own virtual and real servers. The kernel is listed on start and on a slow timer; what is amiss
///   is told as a loss, and healed by the batch that answers it. Virtual servers of others are left alone.
/// - Everything outlives the process: established flows go on and new ones are served while nobody is there.
package final class IPVSEnforcer: ServiceEnforcer {
    /// The device that has the addresses, by the name that administrators know from kube-proxy.
    package static let device = NodeAddresses.virtualDevice
    /// What the device says of itself where it is ours.
    static let owner = "martlet"

    package let losses: AsyncStream<EnforcementLoss>
    private let lose: AsyncStream<EnforcementLoss>.Continuation
    private let worker: KernelWorker<IPVSEnforcement>

    /// - Parameters:
    ///   - policy: which connections are masqueraded.
    ///   - scheduler: of Services that ask for nothing else.
    ///   - flows: of which those are ended that changes make wrong; nil where somebody else does.
    ///   - audit: the pause between looks at the table, and the shortest between those at all else.
    ///   - looks: seconds between looks at virtual servers.
    /// - Throws: `NFTablesError`, `NetlinkError` or `SystemError` where this machine or this user cannot have it.
    package init(
        _ policy: MasqueradePolicy = MasqueradePolicy(), scheduler: ServiceScheduler = .roundRobin,
        flows: (any TrackedFlows)? = nil, logger: Logger, audit: Duration = .seconds(1),
        looks: Int64 = 10
    ) throws {
        (losses, lose) = AsyncStream.makeStream(of: EnforcementLoss.self)
        worker = try KernelWorker(audit: audit) { [lose] in
            let servers = try KernelVirtualServers()
            for setting in IPVSSetting.allCases { try setting.turnOn() }
            let ruleset = try KernelRuleset()
            let rules = NFTablesEnforcement(
                ruleset: ruleset, loopback: KernelLoopbackRouting(), policy: policy, chooser: .virtualServers,
                flows: flows, logger: logger
            ) { lose.yield(.everything) }
            return IPVSEnforcement(
                rules: rules, ruleset: ruleset, servers: servers, device: try KernelAddressDevice(Self.device),
                scheduler: scheduler.ipvs, logger: logger, pauses: .init(servers: looks)
            ) { lose.yield(.everything) }
        }
    }

    package func balances(by balancing: ServiceBalancing) -> Bool {
        [.random, .consistentHash, .leastConnections].contains(balancing)
    }

    package func enforce(_ batch: EnforcementBatch) async -> EnforcementReport {
        await worker.run { $0.enforce(batch) } ?? EnforcementReport()
    }

    /// Leaves everything in effect.
    package func shutDown(grace: Duration) async {
        worker.stop()
        lose.finish()
    }

    /// What on this machine keeps traffic from Services although it is enforced.
    package func obstacles() async -> [TrafficObstacle] { await worker.run { $0.obstacles() } ?? [] }

    /// Why this process cannot have it here; nil where it can.
    package static func obstacle() -> String? {
        if let words = NFTablesEnforcer.obstacle(.virtualServers) {
            return "the mode ipvs guards by nftables: \(words)"
        }
        do throws(NetlinkError) {
            _ = try KernelVirtualServers()
            if let owner = try KernelAddressDevice(device).owner(), owner != Self.owner {
                return
                    "another program made the device \(device): a kube-proxy in the mode ipvs runs here, or has left it "
                    + "(kube-proxy --cleanup removes it)"
            }
            return nil
        } catch {
            if error.number == ENOENT { return "this kernel has no IPVS (modprobe ip_vs)" }
            return error.number == EPERM ? "IPVS needs root, or CAP_NET_ADMIN" : "this kernel's IPVS: \(error)"
        }
    }

    /// Removes the virtual servers and the device that this mode made; the table is `NFTablesEnforcer`'s to remove.
    /// Connections by way of IPVS end.
    ///
    /// - Returns: how many virtual servers there were, and whether there was a device.
    package static func cleanUp() throws -> (servers: Int, device: Bool) {
        let device = try KernelAddressDevice(Self.device)
        let hasDevice = try device.owner() == owner
        if hasDevice { try device.remove() }
        do throws(NFTablesError) {
            _ = try NeighbourGuard.cleanUp(try KernelRuleset())
        } catch {
            // Nobody without rights, and no kernel without nftables, has left one.
            guard !error.isForWantOfPermission, hasDevice else { return (0, hasDevice) }
            throw error
        }
        // Asking a kernel for IPVS loads it.
        guard KernelVirtualServers.isLoaded else { return (0, hasDevice) }
        let servers: KernelVirtualServers
        do throws(NetlinkError) {
            servers = try KernelVirtualServers()
        } catch {
            // Without IPVS there is nothing of it.
            guard error.number == ENOENT else { throw error }
            return (0, hasDevice)
        }
        let all = try servers.list()
        let own = all.filter { $0.flags.contains(.owned) }
        let refusals = try servers.perform(own.map { .removeServer($0.key) })
        if let refusal = refusals.first(where: { $0.cause.number != ESRCH }) {
            throw DataPlaneError(message: "\(refusal)")
        }
        // Where others balance too, they may count on them by now.
        if hasDevice, all.count == own.count { for setting in IPVSSetting.allCases { try setting.turnOff() } }
        return (own.count, hasDevice)
    }
}
