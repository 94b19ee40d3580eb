import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Upstreams speak HTTP/2") struct HTTP2UpstreamTests {
    private typealias Client = HTTP2TestClient

    private static func harness(
        _ endpoints: [SocketAddress], limits: ProxyLimits = ProxyLimits()
    ) throws -> EngineHarness {
        var configuration = EngineHarness.toAll(endpoints, limits: limits)
        configuration.upstreams[0].version = .http2
        return try EngineHarness(configuration)
    }

    /// A proxy that turns HTTP/2 back into HTTP/1.1 for a ``FakeUpstream``.
    private struct Chain {
        let upstream = FakeUpstream()
        let back: EngineHarness
        let front: EngineHarness

        init(limits: ProxyLimits = ProxyLimits()) throws {
            back = try EngineHarness([upstream.address], limits: limits)
            front = try HTTP2UpstreamTests.harness(
                [SocketAddress(ip: .loopbackV4, port: Port(back.port))], limits: limits)
        }

        func stop() async {
            await front.stop()
            await back.stop()
            upstream.stop()
        }
    }

    @Test func `requests of HTTP/1.1 are passed on and answered with any framing`() async throws {
        let chain = try Chain()
        let socket = chain.front.connect()
        for path in ["/length/300000", "/chunked/300000", "/close/300000"] {
            socket.send("GET \(path) HTTP/1.1\r\nHost: a.example\r\nConnection: keep-alive\r\n\r\n")
            let response = socket.readResponse()
            #expect(response?.startLine.hasPrefix("HTTP/1.1 200") == true)
            #expect((response?.body == FakeUpstream.pattern(300_000)) as Bool, "\(path)")
        }
        socket.send(
            "POST /echo HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
        )
        #expect(socket.readResponse()?.text.hasSuffix("\n\nhello world") == true)
        socket.send("POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")
        #expect(socket.readResponse()?.text.hasSuffix("\n\nhello") == true)
        socket.send("GET /status/204 HTTP/1.1\r\nHost: a.example\r\n\r\n")
        #expect(socket.readResponse()?.startLine.hasPrefix("HTTP/1.1 204") == true)
        let counters = await chain.front.counters { $0.statuses[204] == 1 }
        #expect(counters.upstreamConnectionsCreated == 1)
        #expect(counters.upstreamConnectionsOpen == 1)
        let request = try #require(chain.upstream.requests.first)
        #expect(request["host"] == "a.example")
        await chain.stop()
    }

    @Test func `a hundred streams share one connection`() async throws {
        let chain = try Chain()
        let client = Client(chain.front.connect())
        let streams = (0..<100).map { Int32(2 * $0 + 1) }
        for stream in streams { client.head(stream, Client.get("/length/\(stream * 400)")) }
        for stream in streams {
            #expect(client.answer(stream).body == FakeUpstream.pattern(Int(stream) * 400))
        }
        let counters = await chain.front.counters { $0.statuses[200] == 100 }
        #expect(counters.upstreamConnectionsCreated == 1)
        await chain.stop()
    }

    @Test func `content larger than every window goes up and comes down`() async throws {
        var limits = ProxyLimits()
        limits.maxBodyBytes = nil
        let chain = try Chain(limits: limits)
        let socket = chain.front.connect()
        let content = FakeUpstream.pattern(3_000_000)
        Thread.detachNewThread {
            socket.send("POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 3000000\r\n\r\n")
            socket.send(content)
        }
        let response = try #require(socket.readResponse())
        #expect(response.body.suffix(3_000_000).elementsEqual(content))
        await chain.stop()
    }

    @Test func `a call of gRPC goes both ways at once and ends with its trailers`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let stream = server.nextHead() else { return }
            let isCall =
                server.answers[stream]?["te"] == "trailers" && server.answers[stream]?["grpc-timeout"] == "5S"
                && server.answers[stream]?["content-type"] == "application/grpc"
            server.head(stream, [(":status", "200"), ("content-type", "application/grpc")], ends: false)
            // An echo of every message as it comes.
            var sent = 0
            while true {
                let received = server.answers[stream]?.body ?? []
                if received.count > sent {
                    server.content(stream, Array(received[sent...]), ends: false)
                    sent = received.count
                }
                if server.answers[stream]?.isEnded == true { break }
                if server.readFrame() == nil { return }
            }
            server.head(stream, [("grpc-status", isCall ? "0" : "13"), ("grpc-message", "done")])
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let client = Client(harness.connect())
        client.head(
            1,
            Client.post("/a.B/C") + [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S")],
            ends: false)
        var expected: [UInt8] = []
        for message in 0..<5 {
            let bytes: [UInt8] = [0, 0, 0, 0, 1, UInt8(message)]
            expected += bytes
            client.content(1, bytes, ends: false)
            while (client.answers[1]?.body.count ?? 0) < expected.count, client.readFrame() != nil {}
            #expect(client.answers[1]?.body == expected)
        }
        client.content(1, [], ends: true)
        let answer = client.answer(1)
        #expect(answer.status == 200)
        #expect(answer.trailer("grpc-status") == "0")
        #expect(answer.trailer("grpc-message") == "done")
        #expect(answer.resetCode == nil)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a status in the head alone stays there`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() {
                server.head(
                    stream, [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")])
            }
        })
        let harness = try Self.harness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.post("/a.B/C") + [("content-type", "application/grpc")])
        let answer = client.answer(1)
        #expect(answer.isHeadOnly)
        #expect(answer["grpc-status"] == "12")
        await harness.stop()
        upstream.stop()
    }

    @Test func `trailers and interim responses reach clients of HTTP/1.1`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let stream = server.nextHead() else { return }
            server.head(stream, [(":status", "103"), ("link", "</a>")], ends: false)
            server.head(stream, [(":status", "200")], ends: false)
            server.content(stream, Array("hello".utf8), ends: false)
            server.head(stream, [("checksum", "abc")])
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        let text = String(decoding: socket.readToEnd(), as: UTF8.self)
        #expect(text.hasPrefix("HTTP/1.1 103 Early Hints\r\n"))
        #expect(text.contains("HTTP/1.1 200 OK\r\n"))
        #expect(text.hasSuffix("\r\n\r\n5\r\nhello\r\n0\r\nchecksum: abc\r\n\r\n"))
        await harness.stop()
        upstream.stop()
    }

    @Test func `a request that was refused unseen is sent again, whatever its method`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let first = server.nextHead() else { return }
            server.reset(first, 7)
            guard let second = server.nextHead() else { return }
            _ = server.answer(second)
            server.head(second, [(":status", "200")], ends: false)
            server.content(second, server.answers[second]?.body ?? [], ends: true)
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")
        #expect(socket.readResponse()?.text == "hello")
        await harness.stop()
        upstream.stop()
    }

    @Test func `a connection that goes away takes no request along that it has not looked at`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let first = server.nextHead() else { return }
            if server.answers[first]?[":path"] == "/first" {
                server.head(first, [(":status", "200")])
                guard server.nextHead() != nil else { return }
                // The second stream was not processed.
                server.send(7, 0, 0, Client.bytes(1) + Client.bytes(0))
                while server.readFrame() != nil {}
                return
            }
            server.head(first, [(":status", "201")])
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let socket = harness.connect()
        socket.send("GET /first HTTP/1.1\r\nHost: a.example\r\n\r\n")
        #expect(socket.readResponse()?.startLine.hasPrefix("HTTP/1.1 200") == true)
        socket.send("POST /second HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n")
        #expect(socket.readResponse()?.startLine.hasPrefix("HTTP/1.1 201") == true)
        #expect(upstream.accepted == 2)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a broken connection fails its requests and no later ones`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            while let stream = server.nextHead() {
                switch server.answers[stream]?[":path"] {
                case "/drop": return
                case "/half":
                    server.head(stream, [(":status", "200"), ("content-length", "100")], ends: false)
                    server.content(stream, [1, 2, 3], ends: false)
                    return
                case "/reset": server.reset(stream, 2)
                default: server.head(stream, [(":status", "200")])
                }
            }
        })
        let harness = try Self.harness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.post("/drop"))
        #expect(client.answer(1).status == 502)
        client.head(3, Client.get("/half"))
        #expect(client.answer(3).resetCode == 2)
        client.head(5, Client.get("/reset"))
        #expect(client.answer(5).status == 502)
        client.head(7, Client.get("/"))
        #expect(client.answer(7).status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func `what the upstream allows at once is kept to`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket, settings: [(3, 2)])
            while let stream = server.nextHead() {
                server.head(stream, [(":status", "200")], ends: false)
                if server.answers[stream]?[":path"] != "/open" { server.content(stream, [1], ends: true) }
            }
        })
        let harness = try Self.harness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/"))
        #expect(client.answer(1).status == 200)
        for stream in stride(from: Int32(3), through: 11, by: 2) { client.head(stream, Client.get("/open")) }
        for stream in stride(from: Int32(3), through: 11, by: 2) {
            while client.answers[stream]?.status != 200, client.readFrame() != nil {}
        }
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 3 }
        #expect(counters.upstreamConnectionsOpen == 3)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a client that reads nothing holds back its own stream and nobody else's`() async throws {
        let chain = try Chain()
        let slow = Client(chain.front.connect(), settings: [(4, 0)])
        slow.head(1, Client.get("/length/20000000"))
        _ = await chain.front.counters { $0.upstreamConnectionsOpen == 1 && $0.bufferedBytes > 0 }
        let quick = chain.front.get("/length/100000")
        #expect((quick?.body == FakeUpstream.pattern(100_000)) as Bool)
        let counters = await chain.front.counters { _ in true }
        #expect(counters.bufferedBytes < 1 << 20)
        await chain.stop()
    }

    @Test func `endpoints that are gone lose their connections when they carry nothing`() async throws {
        let chain = try Chain()
        #expect(chain.front.get("/length/10")?.body.count == 10)
        chain.front.engine.patch([.init(name: "all", endpoints: [], version: .http2)])
        let counters = await chain.front.counters { $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        await chain.stop()
    }
}
