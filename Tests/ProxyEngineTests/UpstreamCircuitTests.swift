import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("How much an upstream is asked at a time") struct UpstreamCircuitTests {
    /// Answers `/hang` when it is told to, everything else at once.
    private final class Gate: @unchecked Sendable {
        // NSCondition protects it.
        private let condition = NSCondition()
        private var isOpen = false

        func open() {
            condition.lock()
            isOpen = true
            condition.broadcast()
            condition.unlock()
        }

        func pass() {
            condition.lock()
            while !isOpen, condition.wait(until: Date(timeIntervalSinceNow: 30)) {}
            condition.unlock()
        }
    }

    private static func gated(_ gate: Gate, _ name: String = "one") -> FakeUpstream {
        FakeUpstream(name: name) { socket, request in
            if request.startLine.contains("/hang") { gate.pass() }
            return socket.send("HTTP/1.1 200 OK\r\nX-Served-By: \(name)\r\nContent-Length: 2\r\n\r\nok")
        }
    }

    private static func configuration(_ upstreams: [FakeUpstream], _ limits: UpstreamLimits) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll(upstreams.map(\.address))
        configuration.upstreams[0].limits = limits
        return configuration
    }

    private static func ask(_ harness: EngineHarness, _ target: String) -> TestSocket {
        let socket = harness.connect()
        socket.send("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n")
        return socket
    }

    @Test(arguments: [UpstreamLimits(requests: 2), UpstreamLimits(requestsPerEndpoint: 2)])
    func `what is too much is answered 503 at once and counted, until there is room`(limits: UpstreamLimits)
        async throws
    {
        let gate = Gate()
        let upstream = Self.gated(gate)
        let harness = try EngineHarness(Self.configuration([upstream], limits))
        let held = (0..<2).map { _ in Self.ask(harness, "/hang") }
        _ = await harness.counters { $0.upstreamConnectionsOpen == 2 }
        for _ in 0..<3 { #expect(harness.get("/echo")?.status == 503) }
        let counters = await harness.engine.counters()
        #expect(counters.upstreams["all"]?.requestsRefused == 3)
        gate.open()
        for socket in held { #expect(socket.readResponse()?.status == 200) }
        #expect(harness.get("/echo")?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func `some wait for others to end, the first one first, and no more than there may be`() async throws {
        let gate = Gate()
        let upstream = Self.gated(gate)
        let harness = try EngineHarness(
            Self.configuration([upstream], UpstreamLimits(requests: 1, queue: 3, queueTimeout: .seconds(60))))
        let held = Self.ask(harness, "/hang")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        var waiting: [TestSocket] = []
        for number in 0..<3 {
            waiting.append(Self.ask(harness, "/\(number)"))
            _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == UInt64(number + 1) }
        }
        #expect(harness.get("/more")?.status == 503)
        // Who goes makes room for another one.
        waiting[1].close()
        _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 2 }
        waiting[1] = Self.ask(harness, "/3")
        _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 3 }
        gate.open()
        for socket in [held] + waiting { #expect(socket.readResponse()?.status == 200) }
        #expect(upstream.requests.map { $0.startLine.split(separator: " ")[1] } == ["/hang", "/0", "/2", "/3"])
        let counters = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 0 }
        #expect(counters.upstreams["all"]?.requestsRefused == 1)
        #expect(counters.statuses[499] == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test func `who has waited too long gets 503, and who waits for an endpoint gets a new one`() async throws {
        let gate = Gate()
        let upstream = Self.gated(gate)
        let other = Self.gated(gate, "two")
        var configuration = Self.configuration(
            [upstream], UpstreamLimits(requestsPerEndpoint: 1, queue: 5, queueTimeout: .milliseconds(300)))
        let harness = try EngineHarness(configuration)
        let held = Self.ask(harness, "/hang")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        let socket = harness.connect()
        // A body that waits, too.
        socket.send("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        #expect(socket.readResponse()?.status == 503)
        // The connection is in step.
        configuration.upstreams[0].limits.queueTimeout = .seconds(60)
        #expect(harness.engine.apply(configuration) == [])
        socket.send("POST /next HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 1 }
        configuration.upstreams[0].endpoints = [upstream.address, other.address]
        #expect(harness.engine.patch(configuration.upstreams) == [])
        let response = socket.readResponse()
        #expect(response?.status == 200 && response?["X-Served-By"] == "two")
        gate.open()
        #expect(held.readResponse()?.status == 200)
        await harness.stop()
        upstream.stop()
        other.stop()
    }

    @Test func `an upstream that is removed keeps nobody waiting`() async throws {
        let gate = Gate()
        let upstream = Self.gated(gate)
        var configuration = Self.configuration(
            [upstream], UpstreamLimits(requests: 1, queue: 5, queueTimeout: .seconds(60)))
        let harness = try EngineHarness(configuration)
        let held = Self.ask(harness, "/hang")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        let waiting = Self.ask(harness, "/echo")
        _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 1 }
        configuration.upstreams[0].name = "another"
        #expect(harness.engine.apply(configuration) == [])
        #expect(waiting.readResponse()?.status == 503)
        gate.open()
        #expect(held.readResponse()?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [
        UpstreamBalancing.roundRobin, .leastRequests, .peakEWMA, .hash(HashKey([.field(Array("x".utf8))])),
    ])
    func `an endpoint that has as many as it may is passed over`(balancing: UpstreamBalancing) async throws {
        let gate = Gate()
        let upstreams = ["one", "two", "three"].map { Self.gated(gate, $0) }
        var configuration = Self.configuration(upstreams, UpstreamLimits(requestsPerEndpoint: 1))
        configuration.upstreams[0].balancing = balancing
        let harness = try EngineHarness(configuration)
        let held = (0..<3).map { _ in
            let socket = harness.connect()
            socket.send("GET /hang HTTP/1.1\r\nHost: a\r\nX: same\r\n\r\n")
            return socket
        }
        _ = await harness.counters { $0.upstreamConnectionsOpen == 3 }
        #expect(harness.get("/echo", fields: "X: same\r\n")?.status == 503)
        gate.open()
        #expect(Set(held.map { $0.readResponse()?["X-Served-By"] }) == ["one", "two", "three"])
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `a request waits for the endpoints that are well, and for an ejected one only where nobody is`() throws {
        var directory = UpstreamDirectory(seed: 3)
        var pool = UpstreamPool()
        directory.install([
            .init(
                name: "a", endpoints: [1, 2].map { SocketAddress(ip: .loopbackV4, port: Port($0)) },
                limits: UpstreamLimits(requestsPerEndpoint: 1, queue: 5))
        ])
        let state = directory.state(at: 0)
        let second: UInt64 = 1_000_000_000
        let list = try #require(state.pointee.endpoints)
        for _ in 0..<5 {
            directory.failed(list[0], of: state, isConnection: true, since: second, now: second)
        }
        let early = directory.mustWait(state, now: second)
        #expect(!early)
        _ = pool.open(to: directory.endpoints[list[1]])
        let full = directory.mustWait(state, now: second)
        #expect(full)
        // It is back.
        let later = directory.mustWait(state, now: 3600 * second)
        #expect(!later)
        var tried = TriedEndpoints()
        tried.insert(list[1])
        let hasEjected = directory.hasRoom(state, besides: tried, now: second)
        #expect(hasEjected)
        tried.insert(list[0])
        let hasAny = directory.hasRoom(state, besides: tried, now: second)
        #expect(!hasAny)
    }

    @Test func `an answer is passed on where the other endpoints have as many as they may`() async throws {
        let gate = Gate()
        let poor = FakeUpstream(name: "poor") { socket, request in
            socket.send("HTTP/1.1 503 No\r\nX-Served-By: poor\r\nContent-Length: 2\r\n\r\nno")
        }
        let good = Self.gated(gate, "good")
        var configuration = Self.configuration([good], UpstreamLimits(requestsPerEndpoint: 1))
        configuration.upstreams[0].retry = RetryPolicy(conditions: [.http503])
        let harness = try EngineHarness(configuration)
        let held = Self.ask(harness, "/hang")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        configuration.upstreams[0].endpoints.append(poor.address)
        #expect(harness.engine.patch(configuration.upstreams) == [])
        let answer = harness.get("/echo")
        #expect(answer?.status == 503 && answer?["X-Served-By"] == "poor")
        #expect(poor.requests.count == 1)
        gate.open()
        #expect(held.readResponse()?.status == 200)
        // With room there it goes on to the other one.
        for _ in 0..<4 { #expect(harness.get("/echo")?["X-Served-By"] == "good") }
        await harness.stop()
        poor.stop()
        good.stop()
    }

    @Test func `who waits for an endpoint that another upstream has full goes on when that one's request ends`()
        async throws
    {
        let gate = Gate()
        let upstream = Self.gated(gate)
        var configuration = Self.configuration(
            [upstream], UpstreamLimits(requestsPerEndpoint: 1, queue: 5, queueTimeout: .seconds(60)))
        var other = configuration.upstreams[0]
        other.name = "other"
        other.limits = UpstreamLimits()
        configuration.upstreams.append(other)
        configuration.hosts[0].routes.append(.init(path: "/hang", match: .prefix, upstream: 1))
        let harness = try EngineHarness(configuration)
        let held = Self.ask(harness, "/hang")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        let waiting = Self.ask(harness, "/echo")
        _ = await harness.counters { $0.upstreams["all"]?.requestsWaiting == 1 }
        gate.open()
        #expect(held.readResponse()?.status == 200)
        #expect(waiting.readResponse()?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func `loops share the limits, and each has at least one request`() {
        let limits = LoopLimits(UpstreamLimits(requests: 7, requestsPerEndpoint: 1, queue: 4), loops: 2)
        #expect(limits.requests == 3 && limits.requestsPerEndpoint == 1 && limits.queue == 2 && !limits.isEmpty)
        #expect(LoopLimits(UpstreamLimits(), loops: 2).isEmpty)
    }

    @Test func `a line forgets who has gone, however many`() throws {
        var exchanges = Slab<Party.Exchanges, Exchange>(blank: Exchange())
        var line = WaitingLine()
        func leave(_ handle: Handle<Party.Exchanges>) {
            exchanges[handle].pointee.flags.remove(.waiting)
            line.leave(exchanges)
        }
        var handles: [Handle<Party.Exchanges>] = []
        for _ in 0..<1000 {
            let exchange = exchanges.take()
            exchange.pointee.flags.insert(.waiting)
            handles.append(exchange.handle)
            line.append(exchange.handle)
        }
        for handle in handles[1..<999] { leave(handle) }
        #expect(line.count == 2)
        #expect(line.popFirst(exchanges) == handles[0])
        #expect(line.popFirst(exchanges) == handles[999])
        #expect(line.popFirst(exchanges) == nil && line.count == 0)
    }
}
