import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("The L7 proxy forwards") struct ForwardingTests {
    @Test func theUpstreamSeesTheRequestWithTheFieldsOfIngressNginx() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let response = try #require(
            harness.get(
                "/echo/a%20b?c=d", host: "Shop.Example:8080",
                fields: """
                    User-Agent: test\r
                    X-Forwarded-For: 6.6.6.6\r
                    X-Forwarded-Proto: https\r
                    X-Forwarded-Host: evil\r
                    X-Real-IP: 6.6.6.6\r
                    Proxy: http://evil\r
                    Connection: keep-alive, X-Secret\r
                    X-Secret: dropped\r
                    Keep-Alive: timeout=5\r
                    TE: trailers\r
                    Accept:    padded   \r

                    """))
        #expect(response.status == 200)
        let request = try #require(upstream.requests.first)
        #expect(request.startLine == "GET /echo/a%20b?c=d HTTP/1.1")
        #expect(request.all("Host") == ["Shop.Example:8080"])
        #expect(request.all("X-Forwarded-For") == ["127.0.0.1"])
        #expect(request.all("X-Original-Forwarded-For") == ["6.6.6.6"])
        #expect(request.all("X-Real-IP") == ["127.0.0.1"])
        #expect(request.all("X-Forwarded-Host") == ["Shop.Example:8080"])
        #expect(request.all("X-Forwarded-Port") == ["\(harness.port)"])
        #expect(request.all("X-Forwarded-Proto") == ["http"])
        #expect(request.all("X-Forwarded-Scheme") == ["http"])
        #expect(request.all("X-Scheme") == ["http"])
        #expect(request["X-Request-ID"]?.count == 32)
        #expect(request["Accept"] == "padded")
        #expect(request["User-Agent"] == "test")
        for name in ["Proxy", "Connection", "X-Secret", "Keep-Alive", "TE"] { #expect(request.all(name) == []) }
        await harness.stop()
        upstream.stop()
    }

    @Test func aTrustedProxyInFrontIsExtended() async throws {
        let upstream = FakeUpstream()
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.trustsForwardedHeaders = true
        let harness = try EngineHarness(configuration)
        _ = harness.get(
            "/echo",
            fields:
                "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: front\r\nX-Request-ID: mine\r\n"
        )
        let request = try #require(upstream.requests.first)
        #expect(request.all("X-Forwarded-For") == ["6.6.6.6, 127.0.0.1"])
        #expect(request.all("X-Forwarded-Proto") == ["https"])
        #expect(request.all("X-Forwarded-Host") == ["front"])
        #expect(request.all("X-Request-ID") == ["mine"])
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [0, 1, 1024, 65_536, 300_000], ["length", "chunked", "close"])
    func bodiesOfEveryFramingArriveWhole(count: Int, framing: String) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        for _ in 0..<2 {
            socket.send("GET /\(framing)/\(count) HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try #require(socket.readResponse())
            #expect(response.status == 200)
            #expect(response.isComplete)
            #expect(response.body == FakeUpstream.pattern(count))
        }
        // HTTP/1.0 clients get no chunks.
        let old = harness.connect()
        old.send("GET /\(framing)/\(count) HTTP/1.0\r\n\r\n")
        let response = try #require(old.readResponse())
        #expect(response["Transfer-Encoding"] == nil)
        #expect(response.body == FakeUpstream.pattern(count))
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [0, 5, 1000, 70_000, 400_000])
    func requestBodiesArriveWhole(count: Int) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        let body = FakeUpstream.pattern(count)
        socket.send(Array("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(count)\r\n\r\n".utf8) + body)
        #expect(socket.readResponse()?.body.suffix(count) == body[...])
        let chunks = FakeUpstream.chunked(body).drop { _ in false }
        let start = chunks.firstRange(of: [13, 10, 13, 10])?.upperBound ?? 0
        socket.send(
            Array("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + chunks[start...])
        #expect(socket.readResponse()?.body.suffix(count) == body[...])
        await harness.stop()
        upstream.stop()
    }

    @Test func responsesWithoutABodyAndHeadRequestsKeepTheConnection() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        for status in [204, 304, 204] {
            socket.send("GET /status/\(status) HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try #require(socket.readResponse())
            #expect(response.status == status)
            #expect(response["X-Kept"] == "yes")
        }
        socket.send("HEAD /length/5000 HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(socket.readResponse(toHead: true))
        #expect(head["Content-Length"] == "5000")
        socket.send("GET /length/3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let last = try #require(socket.readResponse())
        #expect(last.body.count == 3)
        #expect(last["Connection"] == "close")
        #expect(socket.readToEnd() == [])
        #expect(upstream.accepted == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        var text = ""
        for index in 0..<50 { text += "GET /length/\(index) HTTP/1.1\r\nHost: a\r\n\r\n" }
        socket.send(text)
        for index in 0..<50 { #expect(socket.readResponse()?.body.count == index) }
        await harness.stop()
        upstream.stop()
    }

    @Test func aClientThatExpectsItGets100BeforeItSendsTheBody() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
        #expect(socket.readResponse()?.status == 100)
        socket.send("body")
        let response = try #require(socket.readResponse())
        #expect(response.text.hasSuffix("body"))
        #expect(upstream.requests.first?["Expect"] == nil)
        await harness.stop()
        upstream.stop()
    }

    @Test func fieldsForTheNextHopAloneEndThere() async throws {
        let upstream = FakeUpstream { socket, _ in
            socket.send(
                "HTTP/1.1 200 OK\r\nX-Hop: one\r\nConnection: X-Hop, keep-alive\r\nKeep-Alive: timeout=5\r\nX-End: two\r\n"
                    + "Content-Length: 2\r\n\r\nok")
        }
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try #require(socket.readResponse())
        #expect(response.text == "ok")
        #expect(response.all("X-Hop") == [])
        #expect(response.all("Keep-Alive") == [])
        #expect(response.all("X-End") == ["two"])
        await harness.stop()
        upstream.stop()
    }

    @Test func interimResponsesReachTheClient() async throws {
        let upstream = FakeUpstream { socket, _ in
            socket.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
            usleep(5_000)
            return socket.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(socket.readResponse()?.status == 103)
        #expect(socket.readResponse()?.text == "ok")
        await harness.stop()
        upstream.stop()
    }

    @Test func upgradedConnectionsCarryBytesBothWaysAndEnd() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly")
        let response = try #require(socket.readResponse())
        #expect(response.status == 101)
        #expect(response["Upgrade"] == "echo")
        #expect(response["Connection"]?.lowercased() == "upgrade")
        #expect(socket.read(11) == Array("hello early".utf8))
        for index in 0..<20 {
            socket.send("message \(index)")
            #expect(socket.read("message \(index)".utf8.count) == Array("message \(index)".utf8))
        }
        #expect(await harness.engine.counters().tunnelsOpen == 1)
        socket.closeSending()
        #expect(socket.readToEnd() == [])
        let counters = await harness.counters { $0.tunnelsOpen == 0 && $0.connectionsOpen == 0 }
        #expect(counters.tunnelsOpen == 0)
        #expect(counters.upstreamConnectionsOpen == 0)
        #expect(counters.statuses[101] == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test func anUpgradeToHTTP2IsNotOffered() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let response = harness.get(
            "/echo", fields: "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: H2C\r\nHTTP2-Settings: AAMAAABk\r\n")
        #expect(response?.status == 200)
        let request = try #require(upstream.requests.first)
        for name in ["Connection", "Upgrade", "HTTP2-Settings"] { #expect(request[name] == nil) }
        await harness.stop()
        upstream.stop()
    }

    @Test func countersAndTheAccessLogTellWhatHappened() async throws {
        let upstream = FakeUpstream()
        let log = RecordingLog()
        let harness = try EngineHarness([upstream.address], accessLog: log)
        _ = harness.get("/length/100")
        _ = harness.get("/status/404")
        _ = harness.get("/length/1", host: "other")
        let counters = await harness.counters { $0.statuses[200] == 2 && $0.statuses[404] == 1 }
        #expect(counters.statuses == [200: 2, 404: 1])
        #expect(counters.routes["*/"]?.requests == 3)
        #expect(counters.routes["*/"]?.responsesByClass == [0, 2, 0, 1, 0])
        #expect(counters.upstreams["all"]?.traffic.requests == 3)
        #expect(counters.connectionsAccepted == 3)
        #expect(
            log.entries.map(\.line) == [
                "GET /length/100 HTTP/1.1", "GET /status/404 HTTP/1.1", "GET /length/1 HTTP/1.1",
            ])
        #expect(log.entries.map(\.status) == [200, 404, 200])
        #expect(log.entries.map(\.upstream) == ["all", "all", "all"])
        #expect(log.entries.map(\.endpoint) == [upstream.address, upstream.address, upstream.address])
        await harness.stop()
        upstream.stop()
    }

    @Test func `the access log tells by what a request came, and of a large one its head alone`() async throws {
        let upstream = FakeUpstream()
        let log = RecordingLog()
        let harness = try EngineHarness([upstream.address], accessLog: log)
        let client = HTTP2TestClient(harness.connect())
        client.head(1, HTTP2TestClient.get("/length/1"))
        #expect(client.answer(1).body.count == 1)
        let socket = harness.connect()
        socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n")
        socket.send(FakeUpstream.pattern(300_000))
        #expect(socket.readResponse()?.status == 200)
        _ = await harness.counters { $0.statuses[200] == 2 }
        #expect(log.entries.map(\.isHTTP2) == [true, false])
        #expect(log.entries.map(\.line) == ["GET /length/1 HTTP/1.1", "POST /echo HTTP/1.1"])
        #expect(log.entries.allSatisfy { $0.headBytes < 4096 })
        await harness.stop()
        upstream.stop()
    }
}
