import NetworkTypes
import TrafficModel

/// What is there whatever Services there are: how traffic gets into our chains, and the chains that all Services share.
struct IPTablesFrame: Hashable {
    /// A rule in a chain of the system that leads into one of ours.
    struct Entrance: Hashable {
        var table: IPTablesTable
        var chain: String
        var rule: String
    }

    /// The bit of a packet's mark that says: to be masqueraded. The same as kube-proxy's and kubelet's.
    static let masqueradeMark = "0x4000"
    static let loopbackChain = "KUBE-LOOPBACK"
    static let offClusterChain = "KUBE-MARK-MASQ-OUTSIDE"

    static let entrances: [Entrance] =
        ["INPUT", "FORWARD", "OUTPUT"].map {
            entrance(
                .filter, $0, of: "kubernetes load balancer firewall", to: "KUBE-PROXY-FIREWALL", isForNewFlows: true)
        } + [
            // Not kube-proxy's either: its guard of the same purpose lets in who pretends to be this machine.
            entrance(.filter, "INPUT", of: "kubernetes loopback guard", to: loopbackChain),
            entrance(.filter, "FORWARD", of: "kubernetes loopback guard", to: loopbackChain),
            entrance(.filter, "INPUT", of: "kubernetes health check service ports", to: "KUBE-NODEPORTS"),
            externalServices(from: "INPUT"),
            entrance(.filter, "FORWARD", of: "kubernetes forwarding rules", to: "KUBE-FORWARD"),
            entrance(.filter, "FORWARD", of: "kubernetes service portals", to: "KUBE-SERVICES", isForNewFlows: true),
            externalServices(from: "FORWARD"),
            entrance(.filter, "OUTPUT", of: "kubernetes service portals", to: "KUBE-SERVICES", isForNewFlows: true),
            // Not kube-proxy's: this node is told as well that nobody serves an external address.
            externalServices(from: "OUTPUT"),
            entrance(.nat, "OUTPUT", of: "kubernetes service portals", to: "KUBE-SERVICES"),
            entrance(.nat, "PREROUTING", of: "kubernetes service portals", to: "KUBE-SERVICES"),
            entrance(.nat, "POSTROUTING", of: "kubernetes postrouting rules", to: "KUBE-POSTROUTING"),
        ]

    private static func entrance(
        _ table: IPTablesTable, _ chain: String, of comment: String, to target: String, isForNewFlows: Bool = false
    ) -> Entrance {
        let flows = isForNewFlows ? "-m conntrack --ctstate NEW " : ""
        return Entrance(
            table: table, chain: chain, rule: "\(flows)-m comment --comment \"\(comment)\" -j \(target)")
    }

    private static func externalServices(from chain: String) -> Entrance {
        entrance(
            .filter, chain, of: "kubernetes externally-visible service portals", to: "KUBE-EXTERNAL-SERVICES",
            isForNewFlows: true)
    }

    /// The shared chains of each table, in the order in which they are written.
    static let chains: [IPTablesTable: [String]] = [
        .filter: [
            "KUBE-SERVICES", "KUBE-EXTERNAL-SERVICES", "KUBE-FORWARD", "KUBE-NODEPORTS", "KUBE-PROXY-FIREWALL",
            loopbackChain,
        ],
        .nat: ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ", offClusterChain],
    ]
    /// Those that chains of Services lead to.
    static let markChains: Set<String> = ["KUBE-MARK-MASQ", offClusterChain]

    var family: IPFamily
    var nodePortAddresses: [IPAddress]
    var policy: MasqueradePolicy

    init(_ family: IPFamily, node: NodeIdentity, policy: MasqueradePolicy) {
        self.family = family
        nodePortAddresses = node.nodePortAddresses.filter { $0.family == family && !$0.isUnreachableInKernel }.sorted()
        self.policy = policy
    }

    /// Whether answers from elsewhere have to find to 127.0.0.0/8 (`route_localnet`).
    var routesLoopback: Bool { family == .v4 && nodePortAddresses.contains { $0.isLoopback || $0.isUnspecified } }

    /// A machine that routes 127.0.0.0/8 would take such packets from its network: nobody outside is this machine, and nobody
    /// reaches what listens on its loopback addresses, nor a Service by one of them.
    private var loopbackGuard: [String] {
        guard family == .v4 else { return [] }
        let comment = "-m comment --comment \"block incoming localnet connections\""
        return [
            "-s 127.0.0.0/8 ! -i lo \(comment) -j DROP",
            "-d 127.0.0.0/8 ! -i lo \(comment) -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP",
            // Here the address is the endpoint's already.
            "! -i lo \(comment) -m conntrack --ctstate DNAT --ctorigdst 127.0.0.0/8 --ctdir ORIGINAL -j DROP",
        ]
    }

    /// The rules of the shared chains, by chain; those of Services come before them.
    func rules(_ table: IPTablesTable) -> [(chain: String, rules: [String])] {
        switch table {
        case .filter:
            return [
                (Self.loopbackChain, loopbackGuard),
                (
                    "KUBE-FORWARD",
                    [
                        // A packet that NAT could not make sense of would leave with the endpoint's address, and the
                        // client would reset its connection.
                        "-m conntrack --ctstate INVALID -j DROP",
                        "-m comment --comment \"kubernetes forwarding rules\" -m mark "
                            + "--mark \(Self.masqueradeMark)/\(Self.masqueradeMark) -j ACCEPT",
                        "-m comment --comment \"kubernetes forwarding conntrack rule\" -m conntrack "
                            + "--ctstate RELATED,ESTABLISHED -j ACCEPT",
                    ]
                ),
            ]
        case .nat:
            return [
                ("KUBE-SERVICES", entranceOfNodePorts),
                (
                    "KUBE-POSTROUTING",
                    // Answers would not find back to such an address, whoever masquerades.
                    (family == .v4 ? ["-s 127.0.0.0/8 ! -o lo -j MASQUERADE --random-fully"] : []) + [
                        "-m mark ! --mark \(Self.masqueradeMark)/\(Self.masqueradeMark) -j RETURN",
                        // Off again: a packet may pass here twice, in tunnels.
                        "-j MARK --xor-mark \(Self.masqueradeMark)",
                        "-m comment --comment \"kubernetes service traffic requiring SNAT\" -j MASQUERADE --random-fully",
                    ]
                ),
                ("KUBE-MARK-MASQ", ["-j MARK --or-mark \(Self.masqueradeMark)"]),
                (
                    Self.offClusterChain,
                    policy.podNetworks.filter { $0.family == family }.map { "-s \($0.masked) -j RETURN" }
                        + ["-j KUBE-MARK-MASQ"]
                ),
            ]
        }
    }

    private var entranceOfNodePorts: [String] {
        let comment =
            "-m comment --comment \"kubernetes service nodeports; NOTE: this must be the last rule in this chain\""
        if nodePortAddresses.contains(where: \.isUnspecified) {
            let others = family == .v4 ? "" : "! -d ::1/128 "
            return ["\(others)\(comment) -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS"]
        }
        return nodePortAddresses.map { "-d \($0) \(comment) -j KUBE-NODEPORTS" }
    }
}
