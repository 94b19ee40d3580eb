import BPF
import Conntrack
import DataPlane
import Glibc
import IPVS
import Logging
import NFTables
import NetworkTypes
import System
import Testing
import Transport

/// One way to enforce Services, with what it takes to test it. All modes run the same table of behaviours.
struct Mode: Sendable, CustomTestStringConvertible {
    let name: String
    /// What it does not do, by the names of behaviours, and why.
    var deviations: [String: String] = [:]
    /// What its behaviours have to be about; nil where the whole table is its own to prove.
    var trait: Behaviour.Trait?
    /// Why it cannot run here; nil where it can.
    let whyNot: @Sendable () -> String?
    /// Makes an enforcer; called in the namespace of the node.
    var make: @Sendable (MasqueradePolicy) throws -> any ServiceEnforcer
    /// Takes away what makes Services work, as an administrator might by mistake; called in the node's namespace.
    let sabotage: @Sendable (Namespace) throws -> Void
    /// Removes every trace; called in the node's namespace.
    let cleanUp: @Sendable () throws -> Void
    /// Lets go what would outlive the namespaces; called in the node's namespace.
    var leave: @Sendable () throws -> Void = {}

    var testDescription: String { name }

    /// Whether the behaviour is among those that it is to have.
    func proves(_ behaviour: Behaviour) -> Bool {
        deviations[behaviour.name] == nil && trait.map { behaviour.traits.contains($0) } ?? true
    }

    /// The modes that can run here; says which cannot.
    static let available: [Mode] = {
        guard geteuid() == 0 else {
            print("packet tests are skipped: namespaces need root")
            return []
        }
        return all.filter { mode in
            // `MODE=ipvs` in the environment: this one only.
            if let only = getenv("MODE"), String(cString: only) != mode.name { return false }
            guard let reason = mode.whyNot() else { return true }
            print("packet tests of \(mode.name) are skipped: \(reason)")
            return false
        }
    }()

    static let all: [Mode] = [nftables, flowtable, iptables, ipvs, socket, userspace]

    static let iptables = Mode(
        name: "iptables",
        deviations: [
            "the unused ports of a cluster IP refuse":
                "as with kube-proxy's mode of that name: a rule for each address",
            "consistent hashing leads a client to one endpoint, and moves few when one goes":
                "no match of iptables hashes",
        ],
        whyNot: {
            do {
                let place = try Namespace()
                _ = try place.run { try (IPTablesTool(.v4), IPTablesTool(.v6)) }
                return nil
            } catch {
                return "\(error)"
            }
        },
        make: { try IPTablesEnforcer($0, logger: Logger(label: "test")) },
        sabotage: { try $0.command(["iptables", "-t", "nat", "-F"]) },
        cleanUp: { _ = try IPTablesEnforcer.cleanUp() })

    /// Also run in a machine of its own, whose kernel has IPVS: see `GuestTests`.
    static let ipvs = Mode(
        name: "ipvs",
        deviations: [
            "session affinity ends with its timeout":
                "it begins to count when IPVS forgets the last connection: 10 s to 2 minutes after its end"
        ],
        whyNot: {
            do {
                return try Namespace().run { IPVSEnforcer.obstacle() }
            } catch {
                return "\(error)"
            }
        },
        make: { try IPVSEnforcer($0, flows: KernelFlows(), logger: Logger(label: "test")) },
        sabotage: { namespace in
            // Whoever removes a virtual server ends its connections.
            try namespace.run { try KernelAddressDevice(IPVSEnforcer.device).remove() }
            try nftables.sabotage(namespace)
        },
        cleanUp: {
            _ = try IPVSEnforcer.cleanUp()
            _ = try NFTablesEnforcer.cleanUp()
        })

    /// In front of the mode nftables. The bench has networks of Pods, so that it leads sockets of the node's own namespace.
    static let socket = Mode(
        name: "socket",
        deviations: [
            "a UDP flow moves when its endpoint is gone, others stay":
                "a connected socket of this machine is ended, and connects anew: see `SocketModeTests`"
        ],
        whyNot: {
            if let reason = nftables.whyNot() { return reason }
            do {
                let stage = try SocketStage.shared.get()
                return try Namespace().run {
                    let place = try stage.place()
                    defer { _ = try? SocketPlace.remove(place.folder, KernelBPF()) }
                    _ = try SocketEnforcer(before: SimulatedEnforcer(), at: place, logger: Logger(label: "test"))
                    return nil
                }
            } catch {
                return "\(error)"
            }
        },
        make: {
            try SocketEnforcer(
                before: try nftables.make($0), at: try SocketStage.shared.get().place(), policy: $0,
                logger: Logger(label: "test"), audit: .milliseconds(50))
        },
        sabotage: { namespace in
            try namespace.run {
                _ = try SocketEnforcer.cleanUp(SocketStage.shared.get().place().folder)
            }
            try nftables.sabotage(namespace)
        },
        cleanUp: {
            _ = try SocketEnforcer.cleanUp(SocketStage.shared.get().place().folder)
            try nftables.cleanUp()
        },
        leave: { _ = try SocketEnforcer.cleanUp(SocketStage.shared.get().place().folder) })

    /// On a node that has all addresses of Services itself, as every machine has 127.0.0.0/8: relays need an address to listen
    /// on, and these are the addresses that the bench has.
    static let userspace = Mode(
        name: "userspace",
        deviations: [
            "a Pod's address is seen by the Pods that it asks by cluster IP": whoRelays,
            "the client's address is kept under Local and hidden under Cluster": whoRelays,
            "a Local Service without endpoints here is silent to clients outside, and serves Pods": noSilence,
            "internalTrafficPolicy Local stays on the node, and is silent where it has none": noSilence,
            "source ranges guard load-balancer IPs, and nothing else": noSilence,
            "source ranges that cannot be read admit nobody": noSilence,
            "a node port on the loopback address of IPv6 is refused, not silent": "a relay serves it",
            "what somebody flushed is healed by everything anew, and connections survive it": ownSockets,
            "a change heals what somebody flushed of the same Service": ownSockets,
            "another enforcer takes over what one has left behind": "relayed connections end with the process",
            "associations of SCTP reach endpoints on every address, beside TCP on the same port": noSCTP,
            "an association of SCTP goes on while other endpoints come and go": noSCTP,
        ],
        whyNot: {
            do {
                _ = try Namespace()
                return nil
            } catch {
                return "\(error)"
            }
        },
        make: { _ in
            guard let ip = CommandRun.find("ip") else { throw Namespace.Failure(description: "no ip") }
            let networks = Topology.serviceNetworks + Topology.externalNetworks
            let lines = ["link set lo up"] + networks.map { "route add local \($0) dev lo" }
            let ending = try CommandRun(ip, ["-batch", "-"]).run(
                input: Array(lines.joined(separator: "\n").utf8 + [10]))
            guard ending.isSuccess else { throw Namespace.Failure(description: ending.complaint) }
            Namespace.sysctlHere(["ipv6/ip_nonlocal_bind": "1"])
            return UserspaceEnforcer(loops: try EventLoop.group(count: 2, name: "relay"))
        },
        sabotage: { _ in }, cleanUp: {})

    private static let whoRelays = "endpoints see the relay's address"
    private static let noSilence = "a socket answers or is not there: see `ServiceEnforcerTests` for whom it shuts out"
    private static let ownSockets = "its sockets are its own: nobody else can take them away"
    private static let noSCTP = "nothing relays it, which is reported"

    static let nftables = Mode(
        name: "nftables",
        whyNot: {
            do {
                return try Namespace().run { NFTablesEnforcer.obstacle() }
            } catch {
                return "\(error)"
            }
        },
        make: { try NFTablesEnforcer(policy: $0, flows: KernelFlows(), logger: Logger(label: "test")) },
        sabotage: { namespace in
            try namespace.run {
                try KernelRuleset().commit(NFTransaction(NFTable(.inet, "martlet"), [.deleteTable]), expecting: nil)
            }
        },
        cleanUp: { _ = try NFTablesEnforcer.cleanUp() })

    /// Nftables with its fast path. Also run in a machine of its own, whose kernel has flowtables: see `GuestTests`. Which
    /// endpoint a first packet gets is decided by the same rules as in the mode nftables, whose behaviours are proven there.
    static let flowtable = Mode(
        name: "flowtable", trait: .established,
        whyNot: {
            do {
                return try Namespace().run { NFTablesEnforcer.obstacle() ?? NFTablesEnforcer.fastPathObstacle() }
            } catch {
                return "\(error)"
            }
        },
        make: {
            try NFTablesEnforcer(policy: $0, hasFastPath: true, flows: KernelFlows(), logger: Logger(label: "test"))
        },
        sabotage: nftables.sabotage, cleanUp: nftables.cleanUp)
}
