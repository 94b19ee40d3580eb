import Announcement
import DataPlane
import NetworkTypes
import Testing
import Transport

/// Sessions with BIRD, over real links.
@Suite("BGP with BIRD", .serialized, .enabled(if: Bird.isAvailable))
struct BirdTests {
    private static func protocols(_ more: String = "", node: Int = 1, asn: String = "64512") -> String {
        """
        protocol bgp node\(node) {
            local 10.90.\(node).1 as 64500;
            neighbor 10.90.\(node).2 as \(asn);
            connect retry time 1; error wait time 1, 2; connect delay time 1;
            ipv4 { import all; export none; };
            ipv6 { import all; export none; };
            \(more)
        }
        """
    }

    @Test func `IPv4 and IPv6 routes travel in one session, and are withdrawn`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.protocols())
        let route = BGPRoute(communities: [BGPCommunity(rawValue: 64512 << 16 | 7)])
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), BGPLink.configuration(),
            routes: ["203.0.113.1/32": route, "203.0.113.2/32": route, "fdee::1/128": route])

        #expect(await eventually { bird.has("203.0.113.2/32") && bird.has("fdee::1/128") }, "\(bird.log)")
        let known = bird.route("203.0.113.1/32")
        #expect(known.contains("BGP.next_hop: 10.90.1.2"), "\(known)")
        #expect(known.contains("BGP.as_path: 64512"))
        #expect(known.contains("BGP.community: (64512,7)"))
        #expect(bird.route("fdee::1/128").contains("BGP.next_hop: fd90:1::2"))

        try speaker.want(["203.0.113.2/32": route])
        #expect(await eventually { !bird.has("203.0.113.1/32") && !bird.has("fdee::1/128") })
        #expect(bird.has("203.0.113.2/32"))
        #expect(speaker.session().announcedCount == 1)

        speaker.stop(.shutdown("maintenance of node 1"))
        #expect(await eventually { !bird.has("203.0.113.2/32") })
        #expect(bird.ask("show protocols all node1").contains("Administrative shutdown"))
    }
}
