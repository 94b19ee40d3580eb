import BPF
import Conntrack
import Glibc
import Logging
import NFTables
import Netlink
import System
import Transport

/// The enforcer of this node, with why it is this one.
struct EnforcerChoice: Sendable {
    enum Kind: Sendable {
        case userspace(UserspaceEnforcer)
        /// With the claim that is held as long as the process lives.
        case nftables(NFTablesEnforcer, KernelTableClaim)
        case iptables(IPTablesEnforcer, KernelTableClaim)
        case ipvs(IPVSEnforcer, KernelTableClaim)
    }

    let kind: Kind
    /// For people: "in the kernel by nftables", with the reason where there was a choice.
    private(set) var words: String
    /// What leads sockets at connect, in front of the mode.
    private var sockets: SocketEnforcer?
    /// What was asked for and is done without.
    private var lacks: [TrafficObstacle] = []

    var enforcer: any ServiceEnforcer { sockets ?? modeEnforcer }

    private var modeEnforcer: any ServiceEnforcer {
        switch kind {
        case .userspace(let enforcer): enforcer
        case .nftables(let enforcer, _): enforcer
        case .iptables(let enforcer, _): enforcer
        case .ipvs(let enforcer, _): enforcer
        }
    }

    /// What the relays counted; nothing where the kernel carries the traffic.
    var counters: RelayCounters {
        switch kind {
        case .userspace(let enforcer): enforcer.counters
        case .nftables, .iptables, .ipvs: RelayCounters()
        }
    }

    /// Looks what on this machine keeps traffic from Services; nil for modes that know nothing of it.
    var obstacles: (@Sendable () async -> [TrafficObstacle])? {
        let mode = modeObstacles
        guard sockets != nil || !lacks.isEmpty else { return mode }
        return { [sockets, lacks] in
            let own = await sockets?.obstacles() ?? []
            return own + lacks + (await mode?() ?? [])
        }
    }

    private var modeObstacles: (@Sendable () async -> [TrafficObstacle])? {
        switch kind {
        case .nftables(let enforcer, _): { await enforcer.obstacles() }
        case .ipvs(let enforcer, _): { await enforcer.obstacles() }
        case .userspace, .iptables: nil
        }
    }

    var mode: ProxyMode {
        switch kind {
        case .userspace: .userspace
        case .nftables: .nftables
        case .iptables: .iptables
        case .ipvs: .ipvs
        }
    }

    /// Makes the enforcer of a mode.
    ///
    /// - Parameters:
    ///   - scheduler: of the mode ipvs.
    ///   - wantsFastPath: of the mode nftables; done without where the kernel cannot.
    ///   - userspace: makes that one.
    /// - Throws: `DataPlaneError` where the mode cannot be had.
    init(
        _ mode: ProxyMode, _ policy: MasqueradePolicy, scheduler: ServiceScheduler, wantsFastPath: Bool = false,
        logger: Logger, userspace: () -> UserspaceEnforcer
    ) throws(DataPlaneError) {
        if mode == .userspace {
            Self.clearKernel(logger)
            (kind, words) = (.userspace(userspace()), "in user space")
            return
        }
        do throws(Obstacle) {
            if mode == .iptables {
                kind = try Self.iptables(policy, logger)
                words = "in the kernel by iptables"
                return
            }
            if mode == .ipvs {
                kind = try Self.ipvs(policy, scheduler, logger)
                words = "in the kernel by IPVS (\(scheduler.rawValue))"
                return
            }
            // Relays reach endpoints elsewhere without: nobody is to lose them by a choice that is ours. Turning it on
            // would make a router of the machine, which is for its administrator to decide.
            if mode == .auto, KernelSetting.forwardIPv4.isOn == false {
                let name = KernelSetting.forwardIPv4.name
                // Whoever may not enforce in the kernel anyway is to be told that, and nothing of the setting.
                if let words = NFTablesEnforcer.obstacle() { throw Obstacle(words: words) }
                lacks.append(
                    TrafficObstacle(
                        reason: "ForwardingOff",
                        message:
                            "\(name) is 0: Services are served in user space, and clients of other machines reach none of "
                            + "their cluster IPs here. To have the kernel do it: sysctl -w \(name)=1, and start this again"
                    ))
                throw Obstacle(words: "\(name) is 0 (sysctl -w \(name)=1 makes the kernel do it)")
            }
            let refusal = wantsFastPath ? NFTablesEnforcer.fastPathObstacle() : nil
            if let refusal {
                let message = "--flowtable is without effect: \(refusal)"
                logger.warning("\(message)")
                lacks.append(TrafficObstacle(reason: "NoFlowtable", message: message))
            }
            let isFast = wantsFastPath && refusal == nil
            kind = try Self.nftables(policy, isFast: isFast, logger)
            words = "in the kernel by nftables" + (isFast ? ", with a flowtable" : "")
        } catch {
            guard mode == .auto else {
                throw DataPlaneError(message: "--proxy-mode \(mode.rawValue): \(error.words)")
            }
            Self.clearKernel(logger)
            (kind, words) = (.userspace(userspace()), "in user space, since \(error.words)")
        }
    }

    /// Puts what leads sockets at connect in front of the mode, where that can be had.
    ///
    /// - Parameters:
    ///   - group: the path of the control group whose processes are led; nil for all of them.
    mutating func leadSockets(below group: String?, _ policy: MasqueradePolicy, logger: Logger) {
        do throws(SocketPlace.Obstacle) {
            let privileges = Privileges.current
            guard privileges.contains(.networkAdministration),
                privileges.contains(.programs) || privileges.contains(.systemAdministration)
            else { throw SocketPlace.Obstacle(words: "it needs root, or CAP_BPF and CAP_NET_ADMIN") }
            guard mode != .userspace else {
                throw SocketPlace.Obstacle(
                    words: "it stands in front of a mode in the kernel, and Services are enforced \(words)")
            }
            let place = try SocketPlace.find(group: group)
            do {
                sockets = try SocketEnforcer(before: modeEnforcer, at: place, policy: policy, logger: logger)
            } catch let error as BPFError {
                throw SocketPlace.Obstacle(
                    words: error.isForWantOfPermission ? "it needs root, or CAP_BPF and CAP_NET_ADMIN" : "\(error)")
            } catch {
                throw SocketPlace.Obstacle(words: "\(error)")
            }
            words += ", and by sockets of processes in \(place.group) when they connect"
        } catch {
            // Told as whatever else is in the way on this machine.
            lacks.append(.socketMode(error.words, isInKernel: mode != .userspace))
            if mode != .userspace { Self.clearSockets(logger) }
        }
    }

    /// Lets the programs go that an earlier process left: nobody looks after them now.
    static func clearSockets(_ logger: Logger) {
        do {
            let found = try SocketEnforcer.cleanUp()
            if found.hadNames || found.detached > 0 {
                logger.notice("removed the programs that the socket mode had left")
            } else if found.hadTable {
                logger.warning(
                    """
                    the socket mode was here, but not its programs: where another mount namespace has their names they go on. \
                    martlet dataplane --cleanup, as root, detaches them
                    """)
            }
        } catch {
            logger.error("programs of the socket mode may be left, which lead to where endpoints were: \(error)")
        }
    }

    /// Why the kernel cannot be had.
    private struct Obstacle: Error {
        var words: String
    }

    private static func claim() throws(Obstacle) -> KernelTableClaim {
        do throws(SystemError) {
            return try KernelTableClaim()
        } catch {
            throw Obstacle(
                words: error.number == EADDRINUSE ? "another data plane on this machine does it already" : "\(error)")
        }
    }

    private static func iptables(_ policy: MasqueradePolicy, _ logger: Logger) throws(Obstacle) -> Kind {
        let claim = try claim()
        let enforcer: IPTablesEnforcer
        do throws(IPTablesTool.Failure) {
            enforcer = try IPTablesEnforcer(policy, logger: logger)
        } catch {
            throw Obstacle(words: "\(error)")
        }
        clearIPVS(logger)
        clearNFTables(logger)
        return .iptables(enforcer, claim)
    }

    private static func ipvs(_ policy: MasqueradePolicy, _ scheduler: ServiceScheduler, _ logger: Logger)
        throws(Obstacle) -> Kind
    {
        if let words = IPVSEnforcer.obstacle() { throw Obstacle(words: words) }
        let claim = try claim()
        clearIPTables(logger)
        do {
            let enforcer = try IPVSEnforcer(policy, scheduler: scheduler, flows: KernelFlows(), logger: logger)
            return .ipvs(enforcer, claim)
        } catch {
            throw Obstacle(words: "\(error)")
        }
    }

    private static func nftables(_ policy: MasqueradePolicy, isFast: Bool, _ logger: Logger) throws(Obstacle) -> Kind {
        if let words = NFTablesEnforcer.obstacle() { throw Obstacle(words: words) }
        let claim = try claim()
        clearIPTables(logger)
        clearIPVS(logger)
        do {
            let flows = try KernelFlows()
            let enforcer = try NFTablesEnforcer(policy: policy, hasFastPath: isFast, flows: flows, logger: logger)
            return .nftables(enforcer, claim)
        } catch {
            throw Obstacle(words: "\(error)")
        }
    }

    /// What an earlier process left in the kernel would keep traffic from the relays.
    private static func clearKernel(_ logger: Logger) {
        // Whoever may not look at the kernel's rules has left none, and whoever is there looks after them.
        guard NFTablesEnforcer.obstacle() == nil, let claim = try? KernelTableClaim() else { return }
        defer { withExtendedLifetime(claim) {} }
        clearSockets(logger)
        clearIPTables(logger)
        clearIPVS(logger)
        clearNFTables(logger)
    }

    /// Virtual servers that the mode ipvs left; others stay.
    private static func clearIPVS(_ logger: Logger) {
        do {
            let (count, hadDevice) = try IPVSEnforcer.cleanUp()
            if count > 0 || hadDevice { logger.notice("removed \(count) virtual servers that the mode ipvs had left") }
        } catch {
            logger.warning("virtual servers of the mode ipvs may be left: \(error)")
        }
    }

    private static func clearNFTables(_ logger: Logger) {
        do throws(NFTablesError) {
            if try NFTablesEnforcer.cleanUp() { logger.notice("removed the table that the mode nftables had left") }
        } catch {
            logger.warning("a table of the mode nftables may be left: \(error)")
        }
    }

    /// Chains that the mode iptables left; a kube-proxy's stay.
    private static func clearIPTables(_ logger: Logger) {
        guard NFTablesEnforcer.hasLeftovers(ofChain: IPTablesFrame.offClusterChain) else { return }
        do throws(IPTablesTool.Failure) {
            let count = try IPTablesEnforcer.cleanUp()
            logger.notice("removed \(count) chains that the mode iptables had left")
        } catch {
            logger.warning("chains of the mode iptables may be left: \(error)")
        }
    }
}
