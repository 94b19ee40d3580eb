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
