import NetworkTypes
import TrafficModel

/// A small network: a client outside and two nodes around a router, Pods on each node. Every place has a cable of its
/// own and is routed to: not every kernel has bridges.
///
///     client 10.80.0.10 ──┐                        ┌── caller 10.81.1.50, a 10.81.1.11, b 10.81.1.12
///                      router ── 10.80.0.1 node 1 ─┘
///                         └──── 10.80.0.2 node 2 ───── c 10.81.2.11, d 10.81.2.12
///
/// The same in IPv6 (fd80::/64, fd81:0:0:1::/64, fd81:0:0:2::/64). Everything is in namespaces without names: nothing of
/// it is left when the value is gone. Node 1 is where enforcers run; the client sends to all Service networks by way of
/// it.
final class Topology: Sendable {
    struct Place: Sendable {
        let name: String
        let namespace: Namespace
        let v4: IPAddress
        let v6: IPAddress

        init(_ name: String, _ v4: String, _ v6: String) throws {
            guard let v4 = IPAddress(v4), let v6 = IPAddress(v6) else {
                preconditionFailure("not addresses: \(v4), \(v6)")
            }
            (self.name, self.v4, self.v6) = (name, v4, v6)
            namespace = try Namespace()
            try Topology.prepare(namespace)
        }

        func address(_ family: IPFamily) -> IPAddress { family == .v4 ? v4 : v6 }
    }

    /// What Pods listen on.
    static let ports: [UInt16] = [8080, 8081]
    static let podNetworks = ["10.81.0.0/16", "fd81::/32"].compactMap { CIDR($0) }
    static let serviceNetworks = ["10.96.0.0/16", "fd96::/64"].compactMap { CIDR($0) }
    /// External and load-balancer addresses.
    static let externalNetworks = ["203.0.113.0/24", "fdee::/64"].compactMap { CIDR($0) }

    let surroundings: Surroundings
    let node: Place
    /// An address of node 1 that node ports are not served on.
    static let quietAddresses = [IPAddress("10.80.9.1"), IPAddress("fd89::1")].compactMap { $0 }

    var client: Place { surroundings.client }
    var otherNode: Place { surroundings.otherNode }
    /// A Pod on node 1 that serves nothing.
    var caller: Place { surroundings.caller }
    /// Pods a and b on node 1, c and d on node 2.
    var pods: [Place] { surroundings.pods }

    /// Puts a new node 1 into surroundings, in the place of the one before.
    init(in surroundings: Surroundings) throws {
        self.surroundings = surroundings
        node = try Place("node-1", "10.80.0.1", "fd80::1")
        try surroundings.connect(node)
    }

    func pod(_ name: String) -> Place {
        guard let pod = pods.first(where: { $0.name == name }) else { preconditionFailure("no Pod \(name)") }
        return pod
    }

    /// Node 1 as enforcers are told of it.
    var identity: NodeIdentity {
        NodeIdentity(
            name: node.name, nodePortAddresses: [node.v4, node.v6],
            ownAddresses: Set([node.v4, node.v6] + Self.quietAddresses))
    }

    /// Whatever the machine has set for new namespaces.
    fileprivate static func prepare(_ namespace: Namespace) throws {
        try namespace.sysctl([
            "ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0", "ipv6/conf/all/disable_ipv6": "0",
            "ipv6/conf/default/disable_ipv6": "0", "ipv6/conf/default/accept_dad": "0",
            "ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1",
            // Refusals are rationed otherwise.
            "ipv4/icmp_ratemask": "0", "ipv6/icmp/ratelimit": "0",
        ])
    }
}
