import Dispatch
import Testing

@testable import ProxyEngine

@Suite("Connections to endpoints are bounded")
struct UpstreamLimitTests {
    private static func limits(_ connections: Int) -> ProxyLimits {
        var limits = ProxyLimits()
        limits.maxUpstreamConnections = connections
        return limits
    }

    @Test func `an idle connection makes room for one to another endpoint`() async throws {
        let upstreams = [FakeUpstream(), FakeUpstream()]
        let harness = try EngineHarness(upstreams.map(\.address), limits: Self.limits(1))
        // In turns, so that each request needs a connection to the endpoint that has none.
        for _ in 0..<4 { #expect(harness.get("/length/1")?.status == 200) }
        let counters = await harness.engine.counters()
        #expect(counters.upstreamConnectionsOpen == 1)
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test(arguments: [[true, true], [true, false], [false, true]])
    func `an idle connection with HTTP/2 makes room and is made room for`(versions: [Bool]) async throws {
        let upstreams = versions.map { isMultiplexed in
            FakeUpstream(raw: { socket in
                guard isMultiplexed else {
                    while socket.readHead() != nil { socket.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }
                    return
                }
                let server = HTTP2TestClient(serving: socket)
                while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
            })
        }
        var configuration = EngineHarness.toAll([upstreams[0].address], limits: Self.limits(1))
        configuration.upstreams[0].version = versions[0] ? .http2 : .http1
        var other = configuration.upstreams[0]
        other.name = "other"
        other.endpoints = [upstreams[1].address]
        other.version = versions[1] ? .http2 : .http1
        configuration.upstreams.append(other)
        configuration.hosts[0].routes.append(.init(path: "/other", match: .prefix, upstream: 1))
        let harness = try EngineHarness(configuration)
        for _ in 0..<3 {
            for path in ["/", "/other"] {
                #expect(harness.get(path)?.status == 200)
                _ = await harness.counters { $0.upstreamConnectionsIdle == 1 }
            }
        }
        let counters = await harness.engine.counters()
        #expect(counters.upstreamConnectionsOpen == 1)
        #expect(counters.upstreamConnectionsIdle == 1)
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `a request is answered 502 when every connection has one, and served when one is free`() async throws {
        let isTaken = DispatchSemaphore(value: 0)
        let mayAnswer = DispatchSemaphore(value: 0)
        let upstream = FakeUpstream(raw: { socket in
            while socket.readHead() != nil {
                isTaken.signal()
                mayAnswer.wait()
                socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        })
        let harness = try EngineHarness([upstream.address], limits: Self.limits(1))
        let first = harness.connect()
        first.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        isTaken.wait()
        #expect(harness.get("/")?.status == 502)
        mayAnswer.signal()
        #expect(first.readResponse()?.status == 200)
        mayAnswer.signal()
        #expect(harness.get("/")?.status == 200)
        await harness.stop()
        upstream.stop()
    }
}
