import Announcement
import DataPlane
import NetworkTypes
import Transport

/// A router and nodes that are each on a link of their own with it.
///
///     client 10.90.9.2 ── 10.90.9.1 router 10.90.N.1 ── 10.90.N.2 node N
///
/// The same in IPv6 (fd90:9::/64, fd90:N::/64).
final class BGPLink: Sendable {
    let router: Namespace
    let nodes: [Namespace]
    let client: Namespace

    init(nodes count: Int = 1) throws {
        router = try Namespace()
        client = try Namespace()
        nodes = try (0..<count).map { _ in try Namespace() }
        let numbered = nodes.enumerated().map { ("node", $1, $0 + 1) }
        for (name, place, number) in [("client", client, 9)] + numbered {
            try router.configure(
                "link add to-\(name)\(number) type veth peer name eth0 netns \(place.path)",
                "addr add 10.90.\(number).1/24 dev to-\(name)\(number)",
                "addr add fd90:\(number)::1/64 dev to-\(name)\(number) nodad",
                "link set to-\(name)\(number) up")
            try place.configure(
                "addr add 10.90.\(number).2/24 dev eth0", "addr add fd90:\(number)::2/64 dev eth0 nodad",
                "link set eth0 up", "route add default via 10.90.\(number).1",
                "route add default via fd90:\(number)::1")
        }
        try router.sysctl([
            "ipv4/ip_forward": "1", "ipv6/conf/all/forwarding": "1", "ipv4/conf/all/rp_filter": "0",
            "ipv4/fib_multipath_hash_policy": "1", "ipv6/fib_multipath_hash_policy": "1",
        ])
    }

    /// Our side of a session of node N, counted from 1.
    static func configuration(node number: UInt32 = 1, asn: UInt32 = 64512) -> BGPSessionConfiguration {
        var configuration = BGPSessionConfiguration(
            localASN: asn, peerASN: .number(64500), identifier: 0x0a5a_0002 | number << 8)
        configuration.connectTime = 1
        return configuration
    }

    static func endpoint(
        node number: Int = 1, _ family: IPFamily = .v4, protection: RouterProtection = .init()
    ) -> BGPPeerEndpoint {
        let ip =
            family == .v4
            ? IPAddress(v4: 0x0a5a_0001 | UInt32(number) << 8)
            : IPAddress(v6High: 0xfd90_0000_0000_0000 | UInt64(number) << 32, low: 1)
        return BGPPeerEndpoint(address: SocketAddress(ip: ip, port: 179), protection: protection)
    }
}
