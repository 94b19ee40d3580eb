import NetworkTypes
import Synchronization

/// All of a topology but node 1: what no enforcer touches, so that it can serve several nodes, one after the other. Only the
/// cables' ends move on: what a node's kernel had (rules, flows, settings, addresses) stays behind with it.
final class Surroundings: Sendable {
    typealias Place = Topology.Place

    let client: Place
    let otherNode: Place
    let caller: Place
    let pods: [Place]
    private let router: Namespace
    private let servers: [EchoServer]
    /// Who has the near ends of the cables: the last node.
    private let holder = Mutex<Namespace?>(nil)

    /// The gateway's addresses at the router's end of a cable, and at that of each node.
    private static let atRouter = (v4: "10.80.0.254", v6: "fd80::254")
    private static func gateway(_ node: Int) -> (v4: String, v6: String) {
        ("10.81.\(node).1", "fd81:0:0:\(node)::1")
    }

    init() throws {
        client = try Place("client", "10.80.0.10", "fd80::10")
        // Prepared as every place is; it has no address of its own.
        router = try Place("router", "10.80.0.254", "fd80::254").namespace
        otherNode = try Place("node-2", "10.80.0.2", "fd80::2")
        caller = try Place("caller", "10.81.1.50", "fd81:0:0:1::50")
        pods = [
            try Place("a", "10.81.1.11", "fd81:0:0:1::11"), try Place("b", "10.81.1.12", "fd81:0:0:1::12"),
            try Place("c", "10.81.2.11", "fd81:0:0:2::11"), try Place("d", "10.81.2.12", "fd81:0:0:2::12"),
        ]
        let beyond = [pods[2], pods[3]]
        try router.configure(
            [client, otherNode].flatMap { Self.cable(to: $0) + Self.nearEnd(of: $0, Self.atRouter) }
                + Self.routes(toPodsOf: otherNode, 2))
        try otherNode.namespace.configure(
            Self.farEnd(of: otherNode, Self.atRouter)
                + beyond.flatMap { Self.cable(to: $0) + Self.nearEnd(of: $0, Self.gateway(2)) })
        try client.namespace.configure(Self.farEnd(of: client, Self.atRouter))
        for pod in beyond { try pod.namespace.configure(Self.farEnd(of: pod, Self.gateway(2))) }
        servers = try pods.map { try EchoServer($0.name, in: $0.namespace, ports: Topology.ports) }
    }

    /// Connects a new node 1 with the router and with its Pods.
    func connect(_ node: Place) throws {
        let guests = [caller, pods[0], pods[1]]
        let addresses =
            Self.farEnd(of: node, Self.atRouter) + guests.flatMap { Self.nearEnd(of: $0, Self.gateway(1)) }
            + Topology.quietAddresses.map { "addr add \($0) dev lo" }
        try holder.withLock { holder in
            if let last = holder {
                try last.configure(
                    (["eth0"] + guests.map { "to-\($0.name)" }).map { "link set \($0) netns \(node.namespace.path)" })
                try node.namespace.configure(addresses)
            } else {
                try node.namespace.configure(
                    ["link add eth0 type veth peer name to-\(node.name) netns \(router.path)"]
                        + guests.flatMap { Self.cable(to: $0) } + addresses)
                let networks =
                    (Topology.serviceNetworks + Topology.externalNetworks).map(\.description)
                    + Topology.quietAddresses.map(\.description)
                try router.configure(
                    Self.nearEnd(of: node, Self.atRouter) + Self.routes(toPodsOf: node, 1)
                        + networks.map { network in
                            "route add \(network) via \(network.contains(":") ? node.v6 : node.v4) dev to-node-1 onlink"
                        })
                for guest in guests { try guest.namespace.configure(Self.farEnd(of: guest, Self.gateway(1))) }
            }
            holder = node.namespace
        }
    }

    // MARK: Words of `ip`

    /// A cable from here to a place.
    private static func cable(to place: Place) -> [String] {
        ["link add to-\(place.name) type veth peer name eth0 netns \(place.namespace.path)"]
    }

    /// Neighbours are asked for over one cable: each end has the address.
    private static func nearEnd(of place: Place, _ gateway: (v4: String, v6: String)) -> [String] {
        let port = "to-\(place.name)"
        return [
            "addr add \(gateway.v4)/32 dev \(port)", "addr add \(gateway.v6)/128 dev \(port) nodad",
            "link set \(port) up", "route add \(place.v4) dev \(port)", "route add \(place.v6) dev \(port)",
        ]
    }

    private static func farEnd(of place: Place, _ gateway: (v4: String, v6: String)) -> [String] {
        [
            "addr add \(place.v4)/32 dev eth0", "addr add \(place.v6)/128 dev eth0 nodad", "link set eth0 up",
            "route add default via \(gateway.v4) dev eth0 onlink",
            "route add default via \(gateway.v6) dev eth0 onlink",
        ]
    }

    private static func routes(toPodsOf node: Place, _ number: Int) -> [String] {
        [
            "route add 10.81.\(number).0/24 via \(node.v4) dev to-\(node.name) onlink",
            "route add fd81:0:0:\(number)::/64 via \(node.v6) dev to-\(node.name) onlink",
        ]
    }

    // MARK: Once more

    private static let kept = Mutex<[Surroundings]>([])

    /// Surroundings that somebody has kept, or new ones.
    static func taken() throws -> Surroundings { try kept.withLock { $0.popLast() } ?? Surroundings() }

    /// Leaves them to whoever comes next. The caller has changed nothing but node 1.
    func keep() { Self.kept.withLock { $0.append(self) } }
}
