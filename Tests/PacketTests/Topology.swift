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

        func address(_ family: IPFamily) -> IPAddress { family == .v4 ? v4 : v6 }
    }

    /// What Pods listen on.
    static let ports: [UInt16] = [8080, 8081]
    static let podNetworks = ["10.81.0.0/16", "fd81::/32"].compactMap { CIDR($0) }
    static let serviceNetworks = ["10.96.0.0/16", "fd96::/64"].compactMap { CIDR($0) }
    /// External and load-balancer addresses.
    static let externalNetworks = ["203.0.113.0/24", "fdee::/64"].compactMap { CIDR($0) }

    let client: Place
    let node: Place
    let otherNode: Place
    /// A Pod on node 1 that serves nothing.
    let caller: Place
    /// Pods a and b on node 1, c and d on node 2.
    let pods: [Place]
    /// An address of node 1 that node ports are not served on.
    static let quietAddresses = [IPAddress("10.80.9.1"), IPAddress("fd89::1")].compactMap { $0 }
    private let router: Namespace
    private let servers: [EchoServer]

    init() throws {
        router = try Namespace()
        try Self.prepare(router)
        client = try Self.place("client", "10.80.0.10", "fd80::10")
        node = try Self.place("node-1", "10.80.0.1", "fd80::1")
        otherNode = try Self.place("node-2", "10.80.0.2", "fd80::2")
        for place in [client, node, otherNode] { try Self.plug(place, into: router, ("10.80.0.254", "fd80::254")) }
        try node.namespace.configure(Self.quietAddresses.map { "addr add \($0) dev lo" })
        caller = try Self.place("caller", "10.81.1.50", "fd81:0:0:1::50")
        pods = [
            try Self.place("a", "10.81.1.11", "fd81:0:0:1::11"), try Self.place("b", "10.81.1.12", "fd81:0:0:1::12"),
            try Self.place("c", "10.81.2.11", "fd81:0:0:2::11"), try Self.place("d", "10.81.2.12", "fd81:0:0:2::12"),
        ]
        for (node, number, guests) in [(node, 1, [caller, pods[0], pods[1]]), (otherNode, 2, [pods[2], pods[3]])] {
            let gateway = ("10.81.\(number).1", "fd81:0:0:\(number)::1")
            for guest in guests { try Self.plug(guest, into: node.namespace, gateway) }
            try router.configure(
                "route add 10.81.\(number).0/24 via \(node.v4) dev to-\(node.name) onlink",
                "route add fd81:0:0:\(number)::/64 via \(node.v6) dev to-\(node.name) onlink")
        }
        let toNode =
            Self.serviceNetworks.map(\.description) + Self.externalNetworks.map(\.description)
            + Self.quietAddresses.map(\.description)
        try router.configure(
            toNode.map { [v4 = node.v4, v6 = node.v6] network in
                "route add \(network) via \(network.contains(":") ? v6 : v4) dev to-node-1 onlink"
            })
        servers = try pods.map { try EchoServer($0.name, in: $0.namespace, ports: Self.ports) }
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

    private static func place(_ name: String, _ v4: String, _ v6: String) throws -> Place {
        guard let v4 = IPAddress(v4), let v6 = IPAddress(v6) else { preconditionFailure("not addresses: \(v4), \(v6)") }
        let namespace = try Namespace()
        try prepare(namespace)
        return Place(name: name, namespace: namespace, v4: v4, v6: v6)
    }

    /// Whatever the machine has set for new namespaces.
    private static func prepare(_ namespace: Namespace) throws {
        try namespace.sysctl([
            "ipv4/conf/all/rp_filter": "0", "ipv4/conf/default/rp_filter": "0", "ipv6/conf/all/disable_ipv6": "0",
            "ipv6/conf/default/disable_ipv6": "0", "ipv6/conf/default/accept_dad": "0",
            "ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1",
            // Refusals are rationed otherwise.
            "ipv4/icmp_ratemask": "0", "ipv6/icmp/ratelimit": "0",
        ])
    }

    /// Lays a cable between a place and whoever routes for it.
    private static func plug(_ place: Place, into namespace: Namespace, _ gateway: (v4: String, v6: String)) throws {
        let port = "to-\(place.name)"
        try namespace.configure(
            "link add \(port) type veth peer name eth0 netns \(place.namespace.path)",
            // Neighbours are asked for over one cable: each end has the address.
            "addr add \(gateway.v4)/32 dev \(port)", "addr add \(gateway.v6)/128 dev \(port) nodad",
            "link set \(port) up", "route add \(place.v4) dev \(port)", "route add \(place.v6) dev \(port)")
        try place.namespace.configure(
            "addr add \(place.v4)/32 dev eth0", "addr add \(place.v6)/128 dev eth0 nodad", "link set eth0 up",
            "route add default via \(gateway.v4) dev eth0 onlink", "route add default via \(gateway.v6) dev eth0 onlink"
        )
    }
}
