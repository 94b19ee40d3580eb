import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("The L7 proxy when something fails") struct FailureTests {
    /// An address that nobody listens on.
    private static func closedAddress() -> SocketAddress {
        let upstream = FakeUpstream()
        let address = upstream.address
        upstream.stop()
        return address
    }

    @Test func withoutARouteTheAnswerIs404InNginxForm() async throws {
        let harness = try EngineHarness(ProxyConfiguration(listeners: [EngineHarness.listener]))
        let response = try #require(harness.get("/"))
        #expect(response.status == 404)
        #expect(response["Content-Type"] == "text/html")
        #expect(response.text.contains("<center><h1>404 Not Found</h1></center>"))
        await harness.stop()
    }

    @Test func `before the routes are known the answer is 503, and 404 afterwards`() async throws {
        let harness = try EngineHarness(
            ProxyConfiguration(listeners: [EngineHarness.listener], isProvisional: true))
        let response = try #require(harness.get("/"))
        #expect(response.status == 503)
        #expect(response["Retry-After"] == "1")
        let client = HTTP2TestClient(harness.connect())
        client.head(1, HTTP2TestClient.get("/"))
        #expect(client.answer(1).status == 503)
        #expect(client.answer(1)["retry-after"] == "1")
        harness.engine.apply(ProxyConfiguration(listeners: [EngineHarness.listener]))
        #expect(harness.get("/")?.status == 404)
        await harness.stop()
    }

    @Test func withoutEndpointsTheAnswerIs503() async throws {
        let harness = try EngineHarness([])
        #expect(harness.get("/")?.status == 503)
        await harness.stop()
    }

    @Test func aRefusedConnectMovesOnToAnotherEndpointAndIs502WithoutOne() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([Self.closedAddress(), upstream.address])
        for _ in 0..<6 { #expect(harness.get("/echo")?.status == 200) }
        // Nothing was sent, so even a POST may move on.
        let socket = harness.connect()
        for _ in 0..<4 {
            socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            #expect(socket.readResponse()?.text.hasSuffix("abc") == true)
        }
        let counters = await harness.engine.counters()
        #expect((counters.upstreams["all"]?.connectFailures ?? 0) > 0)
        harness.engine.apply(EngineHarness.toAll([Self.closedAddress(), Self.closedAddress()]))
        #expect(harness.get("/echo")?.status == 502)
        await harness.stop()
        upstream.stop()
    }

    @Test func pipelinedRequestsGoOnAfterAFailedConnect() async throws {
        let harness = try EngineHarness([Self.closedAddress()])
        let socket = harness.connect()
        socket.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 5))
        for _ in 0..<5 { #expect(socket.readResponse()?.status == 502) }
        await harness.stop()
    }

    @Test(arguments: [("/drop", 502), ("/garbage", 502), ("/hang", 504)])
    func anUpstreamThatDoesNotAnswer(path: String, status: Int) async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.responseTimeout = .milliseconds(200)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let socket = harness.connect()
        socket.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(socket.readResponse()?.status == status)
        // The client's connection outlives it.
        socket.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(socket.readResponse()?.body.count == 3)
        await harness.stop()
        upstream.stop()
    }

    @Test func aBodyThatBreaksOffIsNotPassedForWhole() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let response = try #require(harness.get("/half/1000"))
        #expect(response.status == 200)
        #expect(!response.isComplete)
        await harness.stop()
        upstream.stop()
    }

    @Test func connectionsClosedWhileIdleAreReplacedWithoutAnError() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        for _ in 0..<20 {
            socket.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.body.count == 3)
            upstream.closeConnections()
        }
        await harness.stop()
        upstream.stop()
    }

    /// The upstream closes when the second request on a connection arrives: the race that no check beforehand sees.
    @Test func anIdempotentRequestOnAStaleConnectionIsSentAgain() async throws {
        let upstream = FakeUpstream { socket, request in
            if request["X-Second"] != nil, request["X-Seen"] == nil {
                // Only on a connection that has served before.
                return false
            }
            return socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(socket.readResponse()?.status == 200)
        // Refused twice in a row: once on the pooled connection, once on the fresh one.
        socket.send("GET / HTTP/1.1\r\nHost: a\r\nX-Second: 1\r\n\r\n")
        #expect(socket.readResponse()?.status == 502)
        #expect(upstream.requests.count == 3)
        // What must not happen twice is not sent twice.
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(socket.readResponse()?.status == 200)
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nX-Second: 1\r\nContent-Length: 1\r\n\r\nx")
        #expect(socket.readResponse()?.status == 502)
        #expect(upstream.requests.count == 5)
        await harness.stop()
        upstream.stop()
    }

    @Test func aDyingUpstreamCostsNoRequestWhileAnotherLives() async throws {
        let dying = FakeUpstream(name: "dying")
        let living = FakeUpstream(name: "living")
        let harness = try EngineHarness([dying.address, living.address])
        let socket = harness.connect()
        for index in 0..<60 {
            if index == 20 { dying.stop() }
            socket.send("GET /length/9 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.status == 200)
        }
        await harness.stop()
        living.stop()
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        ("GET /../x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("nonsense\r\n\r\n", 400),
        ("\u{16}\u{3}\u{1} tls\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400),
        ("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nx", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxy0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 501),
        ("GET /\(String(repeating: "a", count: 9_000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 40_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: a\r\n", count: 12_000))\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n", 413),
    ])
    func badRequestsAreRefusedAndNotForwarded(request: String, status: Int) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try #require(socket.readResponse())
        #expect(response.status == status)
        #expect(response["Connection"] == "close")
        #expect(socket.readToEnd() == [])
        #expect(upstream.requests.isEmpty)
        await harness.stop()
        upstream.stop()
    }

    @Test func aChunkedBodyThatGrowsTooLargeIsCutOff() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.maxBodyBytes = 10_000
        let harness = try EngineHarness([upstream.address], limits: limits)
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<200 { socket.send("64\r\n" + String(repeating: "x", count: 100) + "\r\n") }
        #expect(socket.readResponse()?.status == 413)
        await harness.stop()
        upstream.stop()
    }

    @Test func slowClientsAreAnsweredWith408() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.requestHeadTimeout = .milliseconds(300)
        limits.requestBodyTimeout = .milliseconds(300)
        let harness = try EngineHarness([upstream.address], limits: limits)
        // A head that trickles: each byte comes in time, the whole does not.
        let slow = harness.connect()
        Thread.detachNewThread {
            for byte in Array("GET / HTTP/1.1\r\nHost: a\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy".utf8) {
                usleep(30_000)
                if !slow.send([byte]) { return }
            }
        }
        #expect(slow.readResponse()?.status == 408)
        let body = harness.connect()
        body.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
        #expect(body.readResponse()?.status == 408)
        let silent = harness.connect()
        #expect(silent.readToEnd() == [])
        await harness.stop()
        upstream.stop()
    }

    @Test(.timeLimit(.minutes(2))) func `a body that dribbles is answered with 408 although no pause is long`()
        async throws
    {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.requestBodyTimeout = .milliseconds(500)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let slow = harness.connect()
        slow.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
        Thread.detachNewThread {
            // A byte now and then, until the end.
            while slow.send([0x78]) { usleep(50_000) }
        }
        #expect(slow.readResponse()?.status == 408)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a body of many pauses goes through where its bytes are worth them`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.requestBodyTimeout = .seconds(2)
        limits.leastBodyRate = 100
        let harness = try EngineHarness([upstream.address], limits: limits)
        let socket = harness.connect()
        socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n")
        // Longer than the time for a body, all pauses together.
        for _ in 0..<50 {
            usleep(60_000)
            socket.send([UInt8](repeating: 0x78, count: 100))
        }
        #expect(socket.readResponse()?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func idleConnectionsEndAndConnectionsBeyondTheLimitAreRefused() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        // Long enough for the third to come while both are there.
        limits.keepAliveTimeout = .seconds(3)
        limits.upstreamIdleTimeout = .milliseconds(200)
        limits.maxConnections = 2
        let harness = try EngineHarness([upstream.address], limits: limits)
        var served: [TestSocket] = []
        for _ in 0..<2 {
            // Each sends before the next one comes: half of the places are for those that have.
            let socket = harness.connect()
            socket.send("GET /length/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.status == 200)
            served.append(socket)
        }
        #expect(harness.connect().readToEnd() == [])
        for socket in served { #expect(socket.readToEnd() == []) }
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        #expect(counters.connectionsClosed[.full] == 1)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func anUpstreamThatAnswersEarlyIsHeard() async throws {
        let early = FakeUpstream(raw: { socket in
            _ = socket.readHead()
            socket.send("HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno")
            usleep(50_000)
        })
        let harness = try EngineHarness([early.address])
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        let response = try #require(socket.readResponse())
        #expect(response.status == 413)
        #expect(response.text == "no")
        #expect(response["Connection"] == "close")
        await harness.stop()
        early.stop()
    }

    @Test func theEngineLetsRequestsFinishWhenItShutsDown() async throws {
        let mayAnswer = DispatchSemaphore(value: 0)
        let upstream = FakeUpstream { socket, _ in
            mayAnswer.wait()
            return socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let harness = try EngineHarness([upstream.address])
        let idle = harness.connect()
        mayAnswer.signal()
        idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.readResponse()?.text == "ok")
        let busy = harness.connect()
        busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = await harness.counters { $0.upstreamConnectionsIdle == 0 && $0.upstreamConnectionsOpen > 0 }
        let port = harness.port
        let stopped = Task { await harness.engine.shutdown(grace: .seconds(20)) }
        for _ in 0..<1_000 where !TestSocket(connectingTo: port).isAtEnd {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(TestSocket(connectingTo: port).isAtEnd)
        mayAnswer.signal()
        let response = try #require(busy.readResponse())
        #expect(response.text == "ok")
        #expect(response["Connection"] == "close")
        #expect(idle.readToEnd() == [])
        await stopped.value
        await harness.stop()
        upstream.stop()
    }
}
