import Announcement
import DataPlane
import NetworkTypes
import Testing
import TrafficModel
import Transport

/// Sessions with BIRD, over real links.
@Suite("BGP with BIRD", .serialized, .enabled(if: Bird.isAvailable))
struct BirdTests {
    private static let route = BGPRoute()

    /// BIRD's side of a session with a node.
    private static func session(_ more: String = "", node: Int = 1, remote: String = "as 64512", own: String = "64500")
        -> String
    {
        """
        protocol bgp node\(node) {
            local 10.90.\(node).1 as \(own);
            neighbor 10.90.\(node).2 \(remote);
            connect retry time 1; error wait time 1, 2; connect delay time 1;
            ipv4 { import all; export none; };
            ipv6 { import all; export none; };
            \(more)
        }
        """
    }

    @Test func `IPv4 and IPv6 routes travel in one session, and are withdrawn`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session())
        let route = BGPRoute(
            communities: [BGPCommunity(rawValue: 64512 << 16 | 7), BGPCommunity(rawValue: 0xffff_ff01)],
            largeCommunities: [BGPLargeCommunity(globalAdministrator: 64512, data1: 1, data2: 2)])
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), BGPLink.configuration(),
            routes: [
                "203.0.113.1/32": route, "203.0.113.2/32": route, "fdee::1/128": route, "203.0.112.0/24": Self.route,
            ])

        #expect(await eventually { bird.has("203.0.113.2/32") && bird.has("fdee::1/128") }, "\(bird.log)")
        let known = bird.route("203.0.113.1/32")
        #expect(known.contains("BGP.next_hop: 10.90.1.2"), "\(known)")
        #expect(known.contains("BGP.as_path: 64512"))
        #expect(known.contains("BGP.community: (64512,7) (65535,65281)"))
        #expect(known.contains("BGP.large_community: (64512, 1, 2)"))
        #expect(bird.route("fdee::1/128").contains("BGP.next_hop: fd90:1::2"))
        #expect(bird.route("203.0.112.0/24").contains("10.90.1.2"))

        try speaker.want(["203.0.113.2/32": route])
        #expect(await eventually { !bird.has("203.0.113.1/32") && !bird.has("fdee::1/128") })
        #expect(bird.has("203.0.113.2/32"))
        #expect(speaker.session().announcedCount == 1)

        speaker.stop(.shutdown("maintenance of node 1"))
        #expect(await eventually { !bird.has("203.0.113.2/32") })
        #expect(bird.log.contains("Administrative shutdown"), "\(bird.log)")
    }

    @Test func `a session over IPv6 carries IPv4 routes as well`() async throws {
        let link = try BGPLink()
        let bird = try Bird(
            in: link.router,
            """
            protocol bgp node1 {
                local fd90:1::1 as 64500; neighbor fd90:1::2 as 64512;
                connect retry time 1; error wait time 1, 2;
                ipv4 { import all; export none; extended next hop on; };
                ipv6 { import all; export none; };
            }
            """)
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(.v6), BGPLink.configuration(),
            routes: ["203.0.113.1/32": Self.route, "fdee::1/128": Self.route])
        #expect(await eventually { bird.has("203.0.113.1/32") && bird.has("fdee::1/128") }, "\(bird.log)")
        #expect(bird.route("203.0.113.1/32").contains("BGP.next_hop: 10.90.1.2"))
        #expect(speaker.session().carries(.v4))
    }

    @Test func `within an AS the local preference is sent, and the path is empty`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session(remote: "as 64500"))
        var configuration = BGPLink.configuration(asn: 64500)
        configuration.peerASN = .same
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), configuration,
            routes: ["203.0.113.1/32": BGPRoute(localPreference: 250), "203.0.113.2/32": Self.route])
        #expect(await eventually { bird.has("203.0.113.2/32") }, "\(bird.log) \(speaker.ends)")
        let known = bird.route("203.0.113.1/32")
        #expect(known.contains("BGP.local_pref: 250"), "\(known)")
        #expect(known.contains("BGP.as_path: \n"), "\(known)")
        #expect(bird.route("203.0.113.2/32").contains("BGP.local_pref: 100"))
    }

    @Test func `AS numbers of four octets on both sides`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session(remote: "as 4200000001", own: "4200000002"))
        var configuration = BGPLink.configuration(asn: 4_200_000_001)
        configuration.peerASN = .number(4_200_000_002)
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), configuration, routes: ["203.0.113.1/32": Self.route])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log) \(speaker.ends)")
        #expect(bird.route("203.0.113.1/32").contains("BGP.as_path: 4200000001"))
    }

    @Test func `a peer without AS numbers of four octets learns ours from AS4_PATH`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("enable as4 off;", remote: "external"))
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), BGPLink.configuration(asn: 4_200_000_001),
            routes: ["203.0.113.1/32": Self.route])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log) \(speaker.ends)")
        #expect(speaker.session().negotiated?.fourOctetASN == false)
        #expect(bird.route("203.0.113.1/32").contains("BGP.as_path: 4200000001"))
    }

    @Test func `a peer of another AS is refused, and says so`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session(own: "64999"))
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), BGPLink.configuration(), routes: ["203.0.113.1/32": Self.route])
        #expect(await eventually { speaker.ends.contains(.refused(.badPeerAS, in: .openSent)) }, "\(speaker.ends)")
        #expect(!bird.has("203.0.113.1/32"))
    }

    @Test func `a session with the right MD5 key stands, with a wrong one or none it does not`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("password \"secret\";"))
        for key in ["wrong", nil, "secret"] {
            let speaker = try Speaker(
                in: link.nodes[0], to: BGPLink.endpoint(protection: .init(md5Key: key.map { Array($0.utf8) })),
                BGPLink.configuration(), routes: ["203.0.113.1/32": Self.route])
            if key == "secret" {
                #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log) \(speaker.ends)")
            } else {
                #expect(await eventually { !speaker.ends.isEmpty })
                #expect(!bird.has("203.0.113.1/32"))
                #expect(speaker.session().negotiated == nil)
            }
        }
    }

    @Test func `GTSM on both sides lets in neighbours on the link, and nobody else`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("ttl security on;"))
        let near = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(protection: .init(isSingleHop: true, requiresSingleHop: true)),
            BGPLink.configuration(), routes: ["203.0.113.1/32": Self.route])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log) \(near.ends)")
        near.stop(.shutdown("enough"))
        #expect(await eventually { !bird.has("203.0.113.1/32") })
        // Like a peer that is further away than it says: what it sends is dropped, or it is never answered.
        let far = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), BGPLink.configuration(), routes: ["203.0.113.1/32": Self.route])
        let isDropped = try await eventually { try Self.droppedForHops(link.router) > 0 || !far.ends.isEmpty }
        #expect(isDropped)
        #expect(far.session().state != .established)
        #expect(!bird.has("203.0.113.1/32"))
    }

    /// Segments that the kernel has dropped because they came from too far.
    private static func droppedForHops(_ namespace: Namespace) throws -> Int {
        let lines = try namespace.command(["cat", "/proc/net/netstat"]).split(separator: "\n")
            .filter { $0.hasPrefix("TcpExt:") }.map { $0.split(separator: " ") }
        guard lines.count == 2, let index = lines[0].firstIndex(of: "TCPMinTTLDrop"), index < lines[1].count else {
            return 0
        }
        return Int(lines[1][index]) ?? 0
    }

    @Test func `we do not hear a peer that does without GTSM when we require it`() async throws {
        let link = try BGPLink()
        // BIRD sends with a TTL of 1 to a neighbour of another AS.
        let bird = try Bird(in: link.router, Self.session())
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(protection: .init(requiresSingleHop: true)),
            BGPLink.configuration(), routes: ["203.0.113.1/32": Self.route])
        // The kernel drops what comes from too far, the answer to our SYN included.
        let isDropped = try await eventually { try Self.droppedForHops(link.nodes[0]) > 0 || !speaker.ends.isEmpty }
        #expect(isDropped)
        #expect(speaker.session().state != .established)
        #expect(!bird.has("203.0.113.1/32"))
    }

    @Test func `the router spreads connections over two nodes, and a node that goes takes none with it`() async throws {
        let link = try BGPLink(nodes: 2)
        for node in link.nodes { try node.configure("addr add 203.0.113.1/32 dev lo", "addr add fdee::1/128 dev lo") }
        let servers = try link.nodes.enumerated().map { try EchoServer("node-\($0 + 1)", in: $1, ports: [80]) }
        let bird = try Bird(in: link.router, Self.session() + "\n" + Self.session(node: 2))
        let speakers = try (1...2).map { number in
            try Speaker(
                in: link.nodes[number - 1], to: BGPLink.endpoint(node: number),
                BGPLink.configuration(node: UInt32(number)),
                routes: ["203.0.113.1/32": Self.route, "fdee::1/128": Self.route])
        }
        for text in ["203.0.113.1:80", "[fdee::1]:80"] {
            let address = try #require(SocketAddress(text))
            var seen: Set<String> = []
            #expect(
                try await eventually {
                    if let name = try Asker(in: link.client, to: address, .tcp).begin(within: .seconds(1)).server {
                        seen.insert(name)
                    }
                    return seen.count == 2
                }, "\(address): only \(seen); \(bird.log)")
        }
        speakers[0].stop(.shutdown("drained"))
        #expect(await eventually { !bird.route("203.0.113.1/32").contains("10.90.1.2") })
        let address = try #require(SocketAddress("203.0.113.1:80"))
        for _ in 0..<30 {
            let outcome = try Asker(in: link.client, to: address, .tcp).begin(within: .seconds(10))
            #expect(outcome.server == "node-2")
        }
        withExtendedLifetime((servers, speakers)) {}
    }

    @Test func `a restart of ours loses no packet when the peer knows graceful restart`() async throws {
        let link = try BGPLink()
        try link.nodes[0].configure("addr add 203.0.113.1/32 dev lo")
        let server = try EchoServer("node-1", in: link.nodes[0], ports: [80])
        let bird = try Bird(in: link.router, Self.session("graceful restart on;"))
        var configuration = BGPLink.configuration()
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        let routes = ["203.0.113.1/32": Self.route, "203.0.113.9/32": Self.route]
        var speaker: Speaker? = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), configuration, routes: routes, isRestarting: true)
        #expect(await eventually { bird.has("203.0.113.9/32") }, "\(bird.log)")

        let requests = Requests(from: link.client, to: try #require(SocketAddress("203.0.113.1:80")))
        #expect(await eventually { requests.answered > 50 })
        // As a killed process: the kernel ends the connection, and nothing is said.
        speaker = nil
        #expect(await eventually { !bird.ask("show protocols node1").contains("Established") })
        let before = requests.answered
        #expect(await eventually { requests.answered > before + 50 })
        #expect(bird.has("203.0.113.9/32"))
        // A route that is wanted no longer goes with the End-of-RIB, not earlier.
        speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(), configuration, routes: ["203.0.113.1/32": Self.route],
            isRestarting: true)
        #expect(await eventually { !bird.has("203.0.113.9/32") }, "\(bird.log)")
        let then = requests.answered
        #expect(await eventually { requests.answered > then + 50 })
        #expect(requests.lost.isEmpty, "\(requests.lost)")
        withExtendedLifetime((server, speaker)) {}
    }
}
