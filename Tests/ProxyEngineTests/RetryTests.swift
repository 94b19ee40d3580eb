import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("A request is tried again on endpoints that have not failed it") struct RetryTests {
    private typealias Client = HTTP2TestClient

    private static func closedAddress() -> SocketAddress {
        let upstream = FakeUpstream()
        let address = upstream.address
        upstream.stop()
        return address
    }

    @Test func `one dead endpoint of two fails no request, however many there are at a time`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([Self.closedAddress(), upstream.address])
        let sockets = (0..<40).map { _ in harness.connect() }
        for _ in 0..<10 {
            for socket in sockets {
                socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            }
            for socket in sockets { #expect(socket.readResponse()?.status == 200) }
        }
        await harness.stop()
        upstream.stop()
    }

    /// Says of every stream that it was not looked at, as long as there is another endpoint to go to.
    @Test func `a refused stream goes to another endpoint, and costs no attempt on the one that refuses`() async throws
    {
        let refusing = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.reset(stream, 7) }
        })
        let serving = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
        })
        var configuration = EngineHarness.toAll([refusing.address, refusing.address, serving.address])
        configuration.upstreams[0].version = .http2
        let harness = try EngineHarness(configuration)
        for _ in 0..<6 {
            let socket = harness.connect()
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            #expect(socket.readResponse()?.status == 200)
        }
        await harness.stop()
        refusing.stop()
        serving.stop()
    }

    // MARK: By policy

    /// Two endpoints, of which the first answers as `target` says and the second one well.
    private static func configuration(
        _ failing: FakeUpstream, _ well: FakeUpstream, _ retry: RetryPolicy,
        timeouts: UpstreamTimeouts = UpstreamTimeouts()
    ) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll([failing.address, well.address])
        configuration.upstreams[0].retry = retry
        configuration.upstreams[0].timeouts = timeouts
        return configuration
    }

    private static func well() -> FakeUpstream {
        FakeUpstream(name: "well") { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
    }

    @Test(
        arguments: [
            ("GET /status/503", RetryPolicy.Conditions.http503, false, [200]),
            ("GET /status/503", [.http500, .error], false, [200, 503]),
            ("GET /status/404", .http404, false, [200]),
            ("POST /status/503", .http503, false, [200, 503]),
            ("POST /status/503", .http503, true, [200]),
            ("GET /garbage", .invalidHeader, false, [200]),
            ("GET /garbage", .error, false, [200, 502]),
            ("GET /drop", .error, false, [200]),
            ("GET /drop", [], false, [200, 502]),
        ] as [(String, RetryPolicy.Conditions, Bool, [Int])])
    func `what an upstream's policy calls a failure goes to another endpoint`(
        request: String, conditions: RetryPolicy.Conditions, isForAll: Bool, expected: [Int]
    ) async throws {
        let failing = FakeUpstream(name: "failing")
        let well = Self.well()
        let harness = try EngineHarness(
            Self.configuration(failing, well, RetryPolicy(conditions: conditions, isForAll: isForAll)))
        var statuses: Set<Int> = []
        for _ in 0..<6 {
            let socket = harness.connect()
            socket.send("\(request) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            let response = try #require(socket.readResponse())
            statuses.insert(response.status)
            if response.status != 200 { continue }
            // The connection is in step. Two of them, so that the next request is the other endpoint's turn.
            for _ in 0..<2 {
                socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(socket.readResponse()?.status == 200)
            }
        }
        #expect(statuses.sorted() == expected)
        await harness.stop()
        failing.stop()
        well.stop()
    }

    @Test func `what every endpoint answers is passed on in the end, whole and counted once`() async throws {
        let upstreams = (0..<2).map { _ in FakeUpstream() }
        var configuration = EngineHarness.toAll(upstreams.map(\.address))
        configuration.upstreams[0].retry = RetryPolicy(conditions: .http503)
        let harness = try EngineHarness(configuration)
        for _ in 0..<4 {
            let response = harness.get("/status/503")
            #expect(response?.status == 503 && response?["X-Kept"] == "yes")
        }
        #expect(upstreams.map { $0.requests.count } == [4, 4])
        // A whole answer leaves its connection to the next request.
        #expect(upstreams.allSatisfy { $0.accepted == 1 })
        let counters = await harness.counters { $0.upstreams["all"]?.traffic.requests == 4 }
        #expect(counters.upstreams["all"]?.retries == 4)
        #expect(counters.statuses == [503: 4])
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `an upstream that fails everything is not asked much more because of it`() async throws {
        let upstreams = (0..<3).map { _ in FakeUpstream() }
        var configuration = EngineHarness.toAll(upstreams.map(\.address))
        configuration.upstreams[0].retry = RetryPolicy(conditions: .http503)
        let harness = try EngineHarness(configuration)
        let socket = harness.connect()
        for _ in 0..<400 {
            socket.send("GET /status/503 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.status == 503)
        }
        let counters = await harness.counters { $0.upstreams["all"]?.traffic.requests == 400 }
        let retries = try #require(counters.upstreams["all"]?.retries)
        // The reserve and a fifth, and some for the time that it took; without a budget there were 800.
        #expect((150...400).contains(retries))
        #expect(counters.upstreams["all"]?.retriesRefused ?? 0 > 0)
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `an endpoint is waited for as long as its upstream's policy says, and then another one is asked`()
        async throws
    {
        let failing = FakeUpstream(name: "failing")
        let well = Self.well()
        let timeouts = UpstreamTimeouts(response: .milliseconds(300))
        var configuration = Self.configuration(
            failing, well, RetryPolicy(conditions: [.responseTimeout]), timeouts: timeouts)
        let harness = try EngineHarness(configuration)
        for _ in 0..<2 { #expect(harness.get("/hang")?.status == 200) }
        #expect((1...2).contains(failing.requests.count))
        configuration.upstreams[0].retry = RetryPolicy()
        #expect(harness.engine.apply(configuration) == [])
        #expect(Set((0..<2).map { _ in harness.get("/hang")?.status }) == [200, 504])
        await harness.stop()
        failing.stop()
        well.stop()
    }

    @Test func `a status is a reason over HTTP/2 as well`() async throws {
        let failing = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.head(stream, [(":status", "503")]) }
        })
        let serving = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
        })
        var configuration = EngineHarness.toAll([failing.address, serving.address])
        configuration.upstreams[0].version = .http2
        configuration.upstreams[0].retry = RetryPolicy(conditions: .http503)
        let harness = try EngineHarness(configuration)
        for _ in 0..<6 { #expect(harness.get("/")?.status == 200) }
        await harness.stop()
        failing.stop()
        serving.stop()
    }
}
