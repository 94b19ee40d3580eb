import Announcement
import DataPlane
import NetworkTypes
import Synchronization
import Testing
import Transport

/// Sessions with FRRouting, over real links.
@Suite("BGP with FRR", .serialized, .enabled(if: Frr.isAvailable))
struct FrrTests {
    private static func bgpd(_ neighbor: String = "", node: String = "10.90.1.2", asn: String = "64512") -> String {
        """
        router bgp 64500
         bgp router-id 10.90.0.1
         no bgp ebgp-requires-policy
         no bgp default ipv4-unicast
         neighbor \(node) remote-as \(asn)
         neighbor \(node) timers connect 1
         \(neighbor)
         address-family ipv4 unicast
          neighbor \(node) activate
         exit-address-family
         address-family ipv6 unicast
          neighbor \(node) activate
         exit-address-family
        """
    }

    @Test func `IPv4 and IPv6 in one session with communities, and withdrawn`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(in: link.router, bgpd: Self.bgpd())
        let route = BGPRoute(
            communities: [BGPCommunity(rawValue: 64512 << 16 | 7)],
            largeCommunities: [BGPLargeCommunity(globalAdministrator: 64512, data1: 1, data2: 2)])
        let speaker = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(protection: .init(isSingleHop: true)), BGPLink.configuration(),
            routes: ["203.0.113.1/32": route, "fdee::1/128": route])
        #expect(await eventually { frr.has("203.0.113.1/32") && frr.has("fdee::1/128") }, "\(frr.log) \(speaker.ends)")
        let known = frr.route("203.0.113.1/32")
        #expect(known.contains("Community: 64512:7"), "\(known)")
        #expect(known.contains("Large Community: 64512:1:2"))
        #expect(known.contains("10.90.1.2 from 10.90.1.2"))
        #expect(frr.route("fdee::1/128").contains("fd90:1::2"))
        try speaker.want(["fdee::1/128": route])
        #expect(await eventually { !frr.has("203.0.113.1/32") })
        #expect(frr.has("fdee::1/128"))
        speaker.stop(.shutdown("maintenance of node 1"))
        #expect(await eventually { !frr.has("fdee::1/128") })
        #expect(frr.ask("show bgp neighbors 10.90.1.2").contains("Cease/Administrative Shutdown"))
    }

    @Test func `MD5 and GTSM together`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(
            in: link.router,
            bgpd: Self.bgpd("neighbor 10.90.1.2 password secret\n neighbor 10.90.1.2 ttl-security hops 1"))
        let key = Array("secret".utf8)
        let far = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(protection: .init(md5Key: key)), BGPLink.configuration(),
            routes: ["203.0.113.1/32": BGPRoute()])
        #expect(await eventually { !far.ends.isEmpty })
        #expect(!frr.has("203.0.113.1/32"))
        far.stop(nil)
        let near = try Speaker(
            in: link.nodes[0],
            to: BGPLink.endpoint(protection: .init(md5Key: key, isSingleHop: true, requiresSingleHop: true)),
            BGPLink.configuration(), routes: ["203.0.113.1/32": BGPRoute()])
        #expect(await eventually { frr.has("203.0.113.1/32") }, "\(frr.log) \(near.ends)")
    }

    @Test func `BFD notices a router that hangs, and the router a node that does`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(
            in: link.router, bgpd: Self.bgpd("neighbor 10.90.1.2 bfd profile fast"),
            bfdd: """
                bfd
                 profile fast
                  detect-multiplier 3
                  receive-interval 50
                  transmit-interval 50
                """)
        let bench = try SpeakerBench(in: link.nodes[0])
        var bfd = BFDSession.Configuration()
        bfd.transmitInterval = .milliseconds(50)
        bfd.receiveInterval = .milliseconds(50)
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], bfd: bfd)])
        #expect(await eventually { frr.has("203.0.113.1/32") && bench.report?.bfd?.isUp == true }, "\(frr.log)")
        frr.freeze()
        #expect(await eventually { bench.report?.state != .established })
        #expect(bench.troubles.contains { $0.contains("BFD down") }, "\(bench.troubles)")
        frr.thaw()
        #expect(await eventually { frr.has("203.0.113.1/32") && bench.report?.bfd?.isUp == true }, "\(frr.log)")
        try link.nodes[0].configure("link set eth0 down")
        // The router's hold time is 180 seconds.
        #expect(await eventually { !frr.has("203.0.113.1/32") }, "\(frr.log)")
    }

    @Test func `a restart with BFD leaves the routes in place`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(
            in: link.router, bgpd: Self.bgpd("neighbor 10.90.1.2 bfd profile fast"),
            bfdd: """
                bfd
                 profile fast
                  detect-multiplier 3
                  receive-interval 50
                  transmit-interval 50
                """)
        var bfd = BFDSession.Configuration()
        bfd.transmitInterval = .milliseconds(50)
        bfd.receiveInterval = .milliseconds(50)
        let plan = SpeakerBench.plan(["203.0.113.1/32"], bfd: bfd, gracefulRestart: true)
        let first = try SpeakerBench(in: link.nodes[0])
        first.speaker.apply([plan])
        #expect(await eventually { frr.has("203.0.113.1/32") && first.report?.bfd?.isUp == true }, "\(frr.log)")
        first.speaker.stop(.keepingRoutes("a restart"))
        #expect(await eventually { frr.route("203.0.113.1/32").contains("stale") }, "\(frr.route("203.0.113.1/32"))")
        // Longer than BFD takes to notice.
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(50))
            try #require(frr.has("203.0.113.1/32"), "\(frr.log)")
        }
        let second = try SpeakerBench(in: link.nodes[0], isRestarting: true)
        second.speaker.apply([plan])
        #expect(
            await eventually {
                !frr.route("203.0.113.1/32").contains("stale") && second.report?.bfd?.isUp == true
            }, "\(frr.log)")
        #expect(frr.has("203.0.113.1/32"))
    }

    @Test func `a process that is killed keeps its routes where the router heeds that BFD died with it`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(
            in: link.router,
            bgpd: Self.bgpd("neighbor 10.90.1.2 bfd profile fast\n neighbor 10.90.1.2 bfd check-control-plane-failure"),
            bfdd: """
                bfd
                 profile fast
                  detect-multiplier 3
                  receive-interval 50
                  transmit-interval 50
                """)
        var configuration = BGPLink.configuration()
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        var speaker: Speaker? = try Speaker(
            in: link.nodes[0], to: BGPLink.endpoint(protection: .init(isSingleHop: true)), configuration,
            routes: ["203.0.113.1/32": BGPRoute()])
        let isUp = Mutex(false)
        let loop = try link.nodes[0].run { try EventLoop(name: "bfd") }
        let bfd = BFDSpeaker(loop: loop)
        let peer = BFDSpeaker.Peer(address: BGPLink.endpoint().address.ip)
        loop.execute {
            var configuration = BFDSession.Configuration()
            configuration.transmitInterval = .milliseconds(50)
            configuration.receiveInterval = .milliseconds(50)
            do {
                try bfd.add(peer, configuration) { notice in
                    if case .up = notice { isUp.withLock { $0 = true } }
                }
            } catch {
                Issue.record(error)
            }
        }
        #expect(await eventually { frr.has("203.0.113.1/32") && isUp.withLock { $0 } }, "\(frr.log)")
        // Both at once, and nothing is said.
        loop.stop()
        speaker = nil
        #expect(await eventually { frr.route("203.0.113.1/32").contains("stale") }, "\(frr.route("203.0.113.1/32"))")
        // Longer than BFD takes to notice.
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(50))
            try #require(frr.has("203.0.113.1/32"), "\(frr.log)")
        }
        withExtendedLifetime((speaker, bfd)) {}
    }

    @Test func `a restart of ours leaves the routes in place`() async throws {
        let link = try BGPLink()
        let frr = try await Frr(in: link.router, bgpd: Self.bgpd())
        var configuration = BGPLink.configuration()
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        let endpoint = BGPLink.endpoint(protection: .init(isSingleHop: true))
        var speaker: Speaker? = try Speaker(
            in: link.nodes[0], to: endpoint, configuration,
            routes: ["203.0.113.1/32": BGPRoute(), "203.0.113.9/32": BGPRoute()], isRestarting: true)
        #expect(await eventually { frr.has("203.0.113.9/32") }, "\(frr.log) \(speaker?.ends ?? [])")
        speaker = nil
        #expect(await eventually { frr.route("203.0.113.1/32").contains("stale") }, "\(frr.route("203.0.113.1/32"))")
        #expect(frr.has("203.0.113.1/32"))
        speaker = try Speaker(
            in: link.nodes[0], to: endpoint, configuration, routes: ["203.0.113.1/32": BGPRoute()], isRestarting: true)
        #expect(await eventually { !frr.has("203.0.113.9/32") }, "\(frr.log)")
        #expect(frr.has("203.0.113.1/32"))
        #expect(!frr.route("203.0.113.1/32").contains("stale"))
        withExtendedLifetime(speaker) {}
    }
}
