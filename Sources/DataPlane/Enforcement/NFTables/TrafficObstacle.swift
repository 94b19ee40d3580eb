import NFTables

/// Something on this machine that keeps traffic from Services although it is enforced: what it is, and the command that
/// mends it.
package struct TrafficObstacle: Hashable, Sendable {
    /// The reason of an Event.
    package var reason: String
    /// For people; the same as long as nothing changed.
    package var message: String

    package init(reason: String, message: String) {
        self.reason = reason
        self.message = message
    }
}

/// What there is on a machine besides our table.
struct MachineFacts {
    /// Nil where it cannot be told.
    var forwardsIPv4: Bool?
    var forwardsIPv6: Bool?
    /// Interfaces that take in only what would be answered by them (`rp_filter` 1, RFC 3704 section 2.2).
    var strictInterfaces: [String] = []
    /// Other tables, and their chains.
    var tables: [NFTable] = []
    var chains: [(table: NFTable, chain: NFChain)] = []

    var obstacles: [TrafficObstacle] { rivals + forwarding + firewalls }

    /// Others who treat the same traffic.
    private var rivals: [TrafficObstacle] {
        var found: [TrafficObstacle] = []
        for table in tables where table.name == "kube-proxy" { found.append(Self.rival("nftables", table)) }
        for (table, chain) in chains where table.name == "nat" && chain.name == "KUBE-SERVICES" {
            found.append(Self.rival("iptables", table))
        }
        return found
    }

    private static func rival(_ mode: String, _ table: NFTable) -> TrafficObstacle {
        TrafficObstacle(
            reason: "OtherServiceProxy",
            message:
                "kube-proxy (mode \(mode), \(table)) is here too, and treats the same traffic: stop it, and remove "
                + "its rules with kube-proxy --cleanup")
    }

    private var forwarding: [TrafficObstacle] {
        var found: [TrafficObstacle] = []
        for (setting, isOn) in [(KernelSetting.forwardIPv4, forwardsIPv4), (.forwardIPv6, forwardsIPv6)]
        where isOn == false {
            found.append(
                TrafficObstacle(
                    reason: "ForwardingOff",
                    message: "\(setting.name) is 0: clients elsewhere reach endpoints on this machine only. "
                        + "To change it: sysctl -w \(setting.name)=1"))
        }
        if let first = strictInterfaces.min() {
            let others = strictInterfaces.count - 1
            found.append(
                TrafficObstacle(
                    reason: "StrictReversePath",
                    message: "rp_filter is 1 on \(first)\(others > 0 ? " and other interfaces" : ""): what comes in by "
                        + "another interface than its answer leaves by is dropped. "
                        + "To change it: sysctl -w net.ipv4.conf.all.rp_filter=2"))
        }
        return found
    }

    /// Chains that drop what none of their rules wants.
    private var firewalls: [TrafficObstacle] {
        var found: [TrafficObstacle] = []
        let hasDocker = chains.contains { $0.chain.name == "DOCKER-USER" }
        for (table, chain) in chains {
            guard let hook = chain.hook, hook.kind == .filter, hook.policy == .drop else { continue }
            let place = "chain \(chain.name) of \(table)"
            switch hook.point {
            case .forward where hasDocker && chain.name == "FORWARD":
                let program = table.family == .ipv6 ? "ip6tables" : "iptables"
                found.append(
                    TrafficObstacle(
                        reason: "ForwardingDropped",
                        message:
                            "the \(place), which Docker made so, drops what is passed on to endpoints elsewhere. To let "
                            + "Services through: \(program) -I DOCKER-USER -m conntrack --ctstate DNAT,ESTABLISHED -j ACCEPT"
                    ))
            case .forward:
                found.append(
                    TrafficObstacle(
                        reason: "ForwardingDropped",
                        message:
                            "the \(place) drops what is passed on to endpoints elsewhere, unless a rule of it says "
                            + "otherwise. To let Services through: \(Self.insertion(table, chain)) ct status dnat accept"
                    ))
            case .input:
                found.append(
                    TrafficObstacle(
                        reason: "InputDropped",
                        message:
                            "the \(place) drops what comes to this machine itself, unless a rule of it says otherwise: "
                            + "the ports of the L7 proxy and of the API server too. To let them through: "
                            + "\(Self.insertion(table, chain)) tcp dport { 80, 443, 6443 } accept"))
            case .prerouting, .output, .postrouting: break
            }
        }
        if let firewalld = tables.first(where: { $0.name == "firewalld" }) {
            found.append(
                TrafficObstacle(
                    reason: "Firewalld",
                    message:
                        "firewalld (\(firewalld)) is here: it lets Services through, and to this machine's own ports "
                        + "what its zones allow. For the L7 proxy: firewall-cmd --permanent --add-service=http "
                        + "--add-service=https && firewall-cmd --reload"))
        }
        return found
    }

    private static func insertion(_ table: NFTable, _ chain: NFChain) -> String {
        "nft insert rule \(table.family) \(table.name) \(chain.name)"
    }
}
