import BPF
import Conntrack
import DataPlane
import Glibc
import IPVS
import Logging
import NFTables
import NetworkTypes
import Testing

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

    static let all: [Mode] = [nftables, flowtable, iptables, ipvs, socket]

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
