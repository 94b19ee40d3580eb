import Announcement
import DataPlane
import NetworkTypes
import Testing
import Transport

/// A node's speaker as a whole, against BIRD.
@Suite("A node's BGP speaker", .serialized, .enabled(if: Bird.isAvailable))
struct BGPSpeakerTests {
    private static func session(_ more: String = "") -> String {
        """
        protocol bfd { interface "*" { min rx interval 50 ms; min tx interval 50 ms; multiplier 3; }; }
        protocol bgp node1 {
            local 10.90.1.1 as 64500; neighbor 10.90.1.2 as 64512;
            connect retry time 1; error wait time 1, 2;
            ipv4 { import all; export none; };
            \(more)
        }
        """
    }

    private static var bfd: BFDSession.Configuration {
        var configuration = BFDSession.Configuration()
        configuration.transmitInterval = .milliseconds(50)
        configuration.receiveInterval = .milliseconds(50)
        return configuration
    }

    @Test func `a peer that hangs is noticed by BFD, long before its hold time`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("bfd on;"))
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], bfd: Self.bfd)])
        #expect(await eventually { bird.has("203.0.113.1/32") && bench.report?.bfd?.isUp == true }, "\(bird.log)")
        #expect(bird.ask("show bfd sessions").contains("Up"))

        bird.freeze()
        // The hold time is 90 seconds: only BFD can say it now.
        #expect(await eventually { bench.report?.state != .established })
        #expect(bench.troubles.contains { $0.contains("BFD down") }, "\(bench.troubles)")
        bird.thaw()
        #expect(
            await eventually { bench.report?.state == .established && bench.report?.bfd?.isUp == true }, "\(bird.log)")
        #expect(bench.report?.bfd?.downs ?? 0 > 0)
    }

    @Test func `a speaker that hangs is noticed by its router`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("bfd on;"))
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], bfd: Self.bfd)])
        #expect(await eventually { bird.has("203.0.113.1/32") && bench.report?.bfd?.isUp == true }, "\(bird.log)")
        #expect(await eventually { bird.ask("show bfd sessions").contains("Up") })
        // As if the node's machine had stopped: nothing of it arrives any more.
        try link.router.configure("link set to-node1 down")
        try link.router.configure("link set to-node1 up")
        #expect(
            await eventually { bird.ask("show protocols node1").contains("Established") && bird.has("203.0.113.1/32") })
        try link.nodes[0].configure("link set eth0 down")
        #expect(await eventually { !bird.has("203.0.113.1/32") }, "\(bird.log)")
    }

    @Test func `peers come, change and go with the plan`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("graceful restart on;"))
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], gracefulRestart: true)])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log)")
        #expect(await eventually { bench.report?.announcedCount == 1 && bench.report?.pendingCount == 0 })
        #expect(bench.report?.counters.updatesSent == 2)

        // One more route is one more UPDATE.
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32", "203.0.113.2/32"], gracefulRestart: true)])
        #expect(await eventually { bird.has("203.0.113.2/32") })
        #expect(bench.report?.counters.updatesSent == 3)

        // Another hold time: the session is made anew, and the routes stay meanwhile.
        var changed = SpeakerBench.plan(["203.0.113.1/32", "203.0.113.2/32"], gracefulRestart: true)
        changed.session.holdTime = 30
        bench.speaker.apply([changed])
        #expect(await eventually { bench.report?.negotiated?.holdTime == 30 })
        #expect(bird.has("203.0.113.1/32"))
        #expect(!bird.log.contains("peer deconfigured"))

        bench.speaker.apply([])
        #expect(await eventually { !bird.has("203.0.113.1/32") }, "\(bird.log)")
        #expect(bench.report == nil)
    }

    @Test func `a peer that is not there is told once, however often it is tried`() async throws {
        let link = try BGPLink()
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"])])
        #expect(await eventually { !bench.troubles.isEmpty })
        let bird = try Bird(in: link.router, Self.session())
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log)")
        #expect(bench.troubles.count == 1, "\(bench.troubles)")
        #expect(bench.report?.trouble == nil)
    }

    @Test(arguments: ["bfd graceful;", "bfd on;"])
    func `a restart with BFD keeps the routes, whatever the router makes of the end of a BFD session`(_ bfd: String)
        async throws
    {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("graceful restart on; \(bfd)"))
        let plan = SpeakerBench.plan(["203.0.113.1/32"], bfd: Self.bfd, gracefulRestart: true)
        let first = try SpeakerBench(in: link.nodes[0])
        first.speaker.apply([plan])
        #expect(await eventually { bird.has("203.0.113.1/32") && first.report?.bfd?.isUp == true }, "\(bird.log)")
        first.speaker.stop(.keepingRoutes("a restart"))
        #expect(await eventually { !bird.ask("show protocols node1").contains("Established") })
        // Longer than BFD takes to notice.
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(50))
            try #require(bird.has("203.0.113.1/32"), "\(bird.log)")
        }
        let second = try SpeakerBench(in: link.nodes[0], isRestarting: true)
        second.speaker.apply([plan])
        #expect(
            await eventually {
                bird.ask("show protocols node1").contains("Established") && second.report?.bfd?.isUp == true
            }, "\(bird.log)")
        #expect(bird.has("203.0.113.1/32"))
        #expect(!bird.log.contains("BFD session down"), "\(bird.log)")
        #expect(second.report?.bfd?.downs == 0)
        // It is a session as any other: a speaker that is gone is noticed.
        try link.nodes[0].configure("link set eth0 down")
        #expect(await eventually { !bird.ask("show bfd sessions").contains("Up") }, "\(bird.log)")
    }

    @Test func `peers without graceful restart are told that the speaker stops, and forget its routes at once`()
        async throws
    {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session())
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"])])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log)")
        bench.speaker.stop(.keepingRoutes("node-1 restarts"))
        #expect(await eventually { !bird.has("203.0.113.1/32") }, "\(bird.log)")
        #expect(bird.log.contains("Administrative shutdown"), "\(bird.log)")
    }

    @Test func `a peer that sends without end takes nothing from the others and their BFD`() async throws {
        let link = try BGPLink(nodes: 1)
        let bird = try Bird(in: link.router, Self.session("bfd on;"))
        let flood = try Flood(in: link.client)
        let bench = try SpeakerBench(in: link.nodes[0])
        // A loop that the flood kept for itself would say nothing at all; one that waits for a processor may be late.
        var bfd = BFDSession.Configuration()
        bfd.detectMultiplier = 10
        var noisy = SpeakerBench.plan([])
        noisy.name = "flood"
        noisy.endpoint = BGPPeerEndpoint(address: flood.address, protection: .init())
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], bfd: bfd), noisy])
        #expect(await eventually { bird.has("203.0.113.1/32") && bench.quiet?.bfd?.isUp == true }, "\(bird.log)")
        #expect(await eventually { bench.flooded?.state == .established })
        // Much more than socket buffers hold: it is read all the while.
        let before = flood.sent
        #expect(await eventually(300) { flood.sent > before + 15_000_000 }, "\(flood.sent - before) bytes")
        // A new route goes out in the midst of it.
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32", "203.0.113.2/32"], bfd: bfd), noisy])
        #expect(await eventually { bird.has("203.0.113.2/32") }, "\(bird.log)")
        let then = flood.sent
        #expect(await eventually(300) { flood.sent > then + 2_000_000 })
        #expect(bench.quiet?.bfd?.downs == 0, "\(bench.troubles)")
        #expect(bench.quiet?.state == .established && bench.flooded?.state == .established)
        flood.stop()
    }

    @Test func `a speaker that ends for good withdraws its routes with a word`() async throws {
        let link = try BGPLink()
        let bird = try Bird(in: link.router, Self.session("graceful restart on;"))
        let bench = try SpeakerBench(in: link.nodes[0])
        bench.speaker.apply([SpeakerBench.plan(["203.0.113.1/32"], gracefulRestart: true)])
        #expect(await eventually { bird.has("203.0.113.1/32") }, "\(bird.log)")
        bench.speaker.stop(.withdrawing("node-1 leaves"))
        #expect(await eventually { !bird.has("203.0.113.1/32") }, "\(bird.log)")
    }
}
