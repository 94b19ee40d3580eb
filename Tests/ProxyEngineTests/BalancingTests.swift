import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Balancing over real connections") struct BalancingTests {
    /// Answers with its name; `/hang` never.
    private static func named(_ name: String, delay: Int = 0) -> FakeUpstream {
        FakeUpstream { socket, request in
            if request.startLine.contains("/hang") {
                _ = socket.readToEnd()
                return false
            }
            if delay > 0 { usleep(UInt32(delay) * 1000) }
            return socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
        }
    }

    private static func configuration(
        _ upstreams: [FakeUpstream], _ balancing: UpstreamBalancing,
        version: ProxyConfiguration.Upstream.HTTPVersion = .http1
    ) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll(upstreams.map(\.address))
        configuration.upstreams[0].balancing = balancing
        configuration.upstreams[0].version = version
        return configuration
    }

    @Test func `least connections goes round an endpoint that is busy`() async throws {
        let upstreams = ["one", "two", "three"].map { Self.named($0) }
        let harness = try EngineHarness(Self.configuration(upstreams, .leastRequests))
        let held = harness.connect()
        held.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        // The engine's connection is open before the upstream's thread has accepted it.
        _ = await harness.counters { _ in upstreams.contains { $0.requests.count == 1 } }
        let busy = try #require(upstreams.firstIndex { $0.requests.count == 1 })
        let answers = (0..<20).compactMap { _ in harness.get("/")?.text }
        #expect(answers.count == 20)
        #expect(!answers.contains(["one", "two", "three"][busy]))
        #expect(Set(answers).count == 2)
        held.close()
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `peak EWMA leaves a slow endpoint alone after its first answer`() async throws {
        let slow = Self.named("slow", delay: 150)
        let quick = [Self.named("quick"), Self.named("quick")]
        let harness = try EngineHarness(Self.configuration([slow] + quick, .peakEWMA))
        let answers = (0..<60).compactMap { _ in harness.get("/")?.text }
        #expect(answers.count == 60)
        #expect(answers.count { $0 == "slow" } <= 2)
        await harness.stop()
        for upstream in [slow] + quick { upstream.stop() }
    }

    @Test(arguments: [
        ("/", "X-User: %\r\n", HashKey.Part.field(Array("x-user".utf8))),
        ("/", "Cookie: other=1; user=%; more=2\r\n", .cookie(Array("user".utf8))),
        ("/", "Cookie: other=1\r\nCookie: user=\"%\"\r\n", .cookie(Array("user".utf8))),
        ("/a?x=1&user=%", "", .argument(Array("user".utf8))),
        ("/%", "", .pathAndQuery), ("/%?x", "", .path), ("/a?%", "", .query),
    ])
    func `the same value goes to the same endpoint on every loop`(
        target: String, fields: String, part: HashKey.Part
    ) async throws {
        let upstreams = ["one", "two", "three"].map { Self.named($0) }
        let harness = try EngineHarness(
            Self.configuration(upstreams, .hash(HashKey([.text(Array("k".utf8)), part]))), loops: 2)
        var served: Set<String> = []
        for user in 0..<45 {
            func with(_ text: String) -> String { text.replacingOccurrences(of: "%", with: "user-\(user)") }
            let answers = Set((0..<4).map { _ in harness.get(with(target), fields: with(fields))?.text })
            #expect(answers.count == 1, "user \(user): \(answers)")
            served.formUnion(answers.compactMap(\.self))
        }
        #expect(served.count == 3, "45 users over 3 endpoints")
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `a key's endpoint that fails hands it to another one, and gets it back`() async throws {
        let upstreams = ["one", "two", "three"].map { Self.named($0) }
        let harness = try EngineHarness(Self.configuration(upstreams, .hash(HashKey([.clientAddress]))))
        let first = try #require(harness.get("/")?.text)
        let lost = try #require(["one", "two", "three"].firstIndex(of: first))
        upstreams[lost].stop()
        let answers = Set((0..<10).map { _ in harness.get("/")?.text })
        #expect(answers.count == 1)
        #expect(!answers.contains(first) && !answers.contains(nil))
        let replacement = FakeUpstream(port: upstreams[lost].port) { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback")
        }
        // It has failed and is left out: an upstream that lists it alone asks it all the same.
        harness.engine.patch([.init(name: "all", endpoints: [replacement.address])])
        _ = await harness.engine.counters()
        #expect(harness.get("/")?.text == "back")
        harness.engine.patch([.init(name: "all", endpoints: upstreams.map(\.address))])
        _ = await harness.engine.counters()
        #expect(harness.get("/")?.text == "back")
        await harness.stop()
        for upstream in upstreams + [replacement] { upstream.stop() }
    }

    @Test func `an endpoint that takes no connections is left out after five, and counted`() async throws {
        let dead = FakeUpstream()
        dead.stop()
        let upstreams = [Self.named("one"), Self.named("two")]
        let harness = try EngineHarness(Self.configuration([dead] + upstreams, .roundRobin))
        for _ in 0..<60 { #expect(harness.get("/")?.status == 200) }
        let counters = await harness.engine.counters()
        #expect(counters.upstreams["all"]?.connectFailures == 5)
        #expect(counters.upstreams["all"]?.ejections == 1)
        #expect(counters.upstreams["all"]?.endpointsEjected == 1)
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }
}
