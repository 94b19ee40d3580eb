import Foundation
import NetworkTypes
import TestSupport
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Clients speak HTTP/2") struct HTTP2ClientTests {
    private typealias Client = HTTP2TestClient

    @Test func `a request becomes one of HTTP/1.1, and its response one of HTTP/2`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(
            1,
            Client.get("/echo?a=1", host: "shop.example:8080") + [
                ("cookie", "a=1"), ("x-one", "two"), ("cookie", "b=2"), ("te", "trailers"),
            ])
        let answer = client.answer(1)
        #expect(answer.status == 200)
        #expect(answer["x-served-by"] == "fake")
        #expect(answer["date"]?.hasSuffix("GMT") == true)
        #expect(answer["content-length"] == "\(answer.body.count)")
        let request = try #require(upstream.requests.first)
        #expect(request.startLine == "GET /echo?a=1 HTTP/1.1")
        #expect(request["host"] == "shop.example:8080")
        #expect(request["cookie"] == "a=1; b=2")
        #expect(request["x-one"] == "two")
        #expect(request["x-forwarded-proto"] == "http")
        #expect(request["x-forwarded-for"] == "127.0.0.1")
        #expect(request["te"] == nil)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a hundred streams of one connection are answered, each with its own content`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        let streams = (0..<100).map { Int32(2 * $0 + 1) }
        for stream in streams {
            client.head(stream, Client.get(stream % 4 == 1 ? "/length/\(stream * 40)" : "/chunked/\(stream * 40)"))
        }
        for stream in streams {
            let answer = client.answer(stream)
            #expect(answer.status == 200)
            #expect(answer.body == FakeUpstream.pattern(Int(stream) * 40))
            #expect(answer["transfer-encoding"] == nil)
        }
        let counters = await harness.counters { $0.statuses[200] == 100 }
        #expect(counters.statuses[200] == 100)
        #expect(counters.connectionsOpen == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [true, false])
    func `content of a request goes up, with a length and without`(hasLength: Bool) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        let content = FakeUpstream.pattern(60_000)
        client.head(1, Client.post("/echo") + (hasLength ? [("content-length", "60000")] : []), ends: false)
        client.content(1, content, ends: true)
        #expect(client.answer(1).status == 200)
        let request = try #require(upstream.requests.first)
        #expect(request.body == content)
        #expect(request["transfer-encoding"] == (hasLength ? nil : "chunked"))
        await harness.stop()
        upstream.stop()
    }

    @Test func `a response of any framing arrives whole, a large one through small windows`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect(), settings: [(4, 1000)])
        for (index, path) in ["/length/300000", "/chunked/300000", "/close/300000", "/length/0"].enumerated() {
            let stream = Int32(2 * index + 1)
            client.head(stream, Client.get(path))
            let answer = client.answer(stream)
            #expect(answer.status == 200)
            #expect(answer.resetCode == nil)
            #expect((answer.body == FakeUpstream.pattern(path == "/length/0" ? 0 : 300_000)) as Bool, "\(path)")
        }
        await harness.stop()
        upstream.stop()
    }

    @Test func `a response without content ends with its head`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/status/204"))
        client.head(3, [(":method", "HEAD")] + Client.get("/length/10").dropFirst())
        #expect(client.answer(1).isHeadOnly)
        #expect(client.answer(3).isHeadOnly)
        #expect(client.answer(3)["content-length"] == "10")
        await harness.stop()
        upstream.stop()
    }

    @Test func `a response that breaks off resets its stream and nothing else`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/half/5000"))
        client.head(3, Client.get("/length/50"))
        #expect(client.answer(1).resetCode == 2)
        #expect(client.answer(3).body == FakeUpstream.pattern(50))
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [
        ("5;\(String(repeating: "a", count: 3_000))\r\nhello\r\n0\r\n\r\n", 200, "hello"), ("nonsense\r\n", 502, nil),
    ])
    func `long extensions of chunks are taken, and what are no chunks is 502`(
        body: String, status: Int, text: String?
    ) async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
        })
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/"))
        let answer = client.answer(1)
        #expect(answer.status == status)
        if let text { #expect(String(decoding: answer.body, as: UTF8.self) == text) }
        await harness.stop()
        upstream.stop()
    }

    @Test func `interim responses are passed on, and 100 lets content come`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readRequest() != nil else { return }
            socket.send("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = socket.readToEnd()
        })
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.post("/") + [("expect", "100-continue"), ("content-length", "3")], ends: false)
        while client.answers[1]?.interim.first == nil, client.readFrame() != nil {}
        client.content(1, [1, 2, 3], ends: true)
        #expect(client.answer(1).interim == [100, 103])
        #expect(client.answer(1).text == "ok")
        await harness.stop()
        upstream.stop()
    }

    @Test func `an answer before the end of the request ends the stream without an error`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.maxBodyBytes = 1000
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect())
        client.head(1, Client.post("/echo") + [("content-length", "5000")], ends: false)
        #expect(client.answer(1).status == 413)
        while client.answers[1]?.resetCode == nil, client.readFrame() != nil {}
        #expect(client.answers[1]?.resetCode == 0)
        // Without a length it is found out on the way.
        client.head(3, Client.post("/echo"), ends: false)
        client.content(3, FakeUpstream.pattern(5000), ends: false)
        #expect(client.answer(3).status == 413)
        client.head(5, Client.get("/length/5"))
        #expect(client.answer(5).body == FakeUpstream.pattern(5))
        await harness.stop()
        upstream.stop()
    }

    @Test func `who takes requests back costs no upstream, and too many of them end the connection`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        var bytes: [UInt8] = []
        for index in 0..<2000 {
            let stream = Int32(2 * index + 1)
            bytes += Client.frame(1, 5, stream, Client.block(Client.get("/hang")))
            bytes += Client.frame(3, 0, stream, Client.bytes(8))
        }
        client.socket.send(bytes)
        #expect(client.readGoAway() == 11)
        let counters = await harness.counters { $0.connectionsOpen == 0 }
        #expect(counters.connectionsOpen == 0)
        #expect(counters.upstreamConnectionsOpen == 0)
        await harness.stop()
        upstream.stop()
    }

    /// Answers to PING, PRIORITY, and a type that nobody knows.
    @Test(arguments: [UInt8(6), 2, 0x42])
    func `a flood of frames that say nothing ends the connection`(type: UInt8) async throws {
        let harness = try EngineHarness([SocketAddress]())
        let client = Client(harness.connect())
        let payload: [UInt8] = type == 2 ? [0, 0, 0, 0, 1] : Array(repeating: 0, count: 8)
        let frame = Client.frame(type, type == 6 ? 1 : 0, type == 2 ? 1 : 0, payload)
        let flood = Array(repeating: frame, count: 2000).flatMap { $0 }
        var sent = 0
        while sent < 9 << 20, client.socket.send(flood) { sent += flood.count }
        #expect(client.readGoAway() == 11)
        await harness.stop()
    }

    @Test func `a head without an end, or one of many small fields, is refused`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let endless = Client(harness.connect())
        endless.send(1, 1, 1, Client.block(Client.get("/")))
        for _ in 0..<64 { endless.send(9, 0, 1, Client.block([("a", String(repeating: "b", count: 100))])) }
        #expect(endless.readGoAway() != nil)
        let large = Client(harness.connect())
        large.head(1, Client.get("/") + (0..<40).map { ("x-\($0)", String(repeating: "b", count: 1000)) })
        #expect(large.answer(1).status == 431)
        // One that grows by compression: a field of 4,000 bytes is put into the table and then named 200 times.
        let bomb = Client(harness.connect())
        var block = Client.block(Client.get("/"))
        block += [0x40, 1, 0x78, 127, 0xA1, 30] + Array(repeating: 0x62, count: 127 + 0x21 + 30 * 128)
        block += Array(repeating: 0xBE, count: 200)
        bomb.send(1, 5, 1, block)
        let answer = bomb.answer(1)
        #expect(answer.status == 431 || answer.resetCode != nil || bomb.goAway != nil)
        #expect(upstream.requests.isEmpty)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a client that opens no window is cut off, and its upstream is not read on`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.writeTimeout = .milliseconds(200)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect(), settings: [(4, 0)])
        client.head(1, Client.get("/length/50000000"))
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        #expect(counters.bufferedBytes < 1 << 20)
        #expect(client.answer(1).resetCode != nil)
        _ = await harness.counters { $0.upstreamConnectionsOpen == 0 && $0.bufferedBytes == 0 }
        await harness.stop()
        upstream.stop()
    }

    @Test func `a slow upstream holds back the content of its stream and of no other`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard let head = socket.readHead() else { return }
            if head.hasPrefix("POST") { Thread.sleep(forTimeInterval: 2) }
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        })
        var limits = ProxyLimits()
        limits.maxBodyBytes = nil
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect())
        client.head(1, Client.post("/"), ends: false)
        client.content(1, FakeUpstream.pattern(65_535), ends: false)
        client.head(3, Client.get("/"))
        #expect(client.answer(3).text == "ok")
        await harness.stop()
        upstream.stop()
    }

    @Test func `draining tells the client to go and answers what it has asked`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readRequest() != nil else { return }
            Thread.sleep(forTimeInterval: 0.3)
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        })
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/"))
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        async let end: Void = harness.engine.shutdown(grace: .seconds(10))
        #expect(client.readGoAway() == 0)
        #expect(client.answer(1).text == "ok")
        while client.readFrame() != nil {}
        #expect(client.socket.isAtEnd)
        await end
        await harness.stop()
        upstream.stop()
    }

    @Test func `a connection with its number of requests ends without failing one`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.maxRequestsPerConnection = 10
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect())
        let streams = (0..<15).map { Int32(2 * $0 + 1) }
        for stream in streams { client.head(stream, Client.get("/length/10")) }
        for stream in streams { #expect(client.answer(stream).status == 200) }
        #expect(client.readGoAway() == 0)
        while client.readFrame() != nil {}
        #expect(client.socket.isAtEnd)
        await harness.stop()
        upstream.stop()
    }

    @Test func `an error of the proxy has the form of gRPC where the request has`() async throws {
        let harness = try EngineHarness([SocketAddress]())
        let client = Client(harness.connect())
        client.head(1, Client.post("/a.B/C") + [("content-type", "application/grpc+proto"), ("te", "trailers")])
        client.head(3, Client.get("/"))
        let call = client.answer(1)
        #expect(call.status == 200)
        #expect(call.isHeadOnly)
        #expect(call["grpc-status"] == "14")
        #expect(call["content-type"] == "application/grpc")
        #expect(client.answer(3).status == 503)
        #expect(client.answer(3)["content-type"] == "text/html")
        await harness.stop()
    }

    @Test func `TLS clients agree on HTTP/2 by ALPN`() async throws {
        var configuration = EngineHarness.toAll([SocketAddress]())
        configuration.listeners = [EngineHarness.secureListener]
        let harness = try EngineHarness(configuration)
        let socket = TestSocket(connectingTo: harness.securePort)
        let context = try TLSContext(client: .nothingVerified, protocols: ["h2", "http/1.1"])
        let session = try context.session(descriptor: socket.descriptor, serverName: "a.example")
        _ = session.handshake()
        #expect(session.applicationProtocol == "h2")
        session.free()
        await harness.stop()
    }
}

@Suite("HTTP/2 fed with broken streams") struct HTTP2FuzzTests {
    private typealias Client = HTTP2TestClient

    /// Valid frames of several requests, to be broken.
    private static func script() -> [[UInt8]] {
        var frames: [[UInt8]] = [Client.frame(4, 0, 0, [0, 4, 0, 0, 16, 0])]
        for index in 0..<6 {
            let stream = Int32(2 * index + 1)
            let path = ["/length/5000", "/chunked/3000", "/echo", "/half/100", "/close/900", "/drop"][index]
            let isPost = index == 2
            frames.append(
                Client.frame(
                    1, isPost ? 4 : 5, stream, Client.block(isPost ? Client.post(path) : Client.get(path))))
            if isPost {
                frames.append(Client.frame(0, 0, stream, FakeUpstream.pattern(700)))
                frames.append(Client.frame(0, 1, stream, [1, 2, 3]))
            }
            frames.append(Client.frame(8, 0, index.isMultiple(of: 2) ? 0 : stream, [0, 0, 9, 0]))
            frames.append(Client.frame(6, 0, 0, Array(repeating: 7, count: 8)))
            if index == 4 { frames.append(Client.frame(3, 0, 1, Client.bytes(8))) }
        }
        return frames
    }

    @Test func `frames that are cut, swapped, doubled or changed leave nothing behind`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.requestHeadTimeout = .milliseconds(100)
        limits.requestBodyTimeout = .milliseconds(100)
        limits.responseTimeout = .milliseconds(300)
        limits.writeTimeout = .milliseconds(100)
        let harness = try EngineHarness([upstream.address], limits: limits)
        var random = SeededRandom(seed: 0x4832)
        for _ in 0..<400 {
            var frames = Self.script()
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 0..<frames.count, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: frames.remove(at: index)
                case 1: frames.swapAt(index, Int.random(in: 0..<frames.count, using: &random))
                case 2: frames.insert(frames[index], at: index)
                case 3: frames[index].removeLast(Int.random(in: 0...frames[index].count, using: &random))
                default:
                    guard !frames[index].isEmpty else { continue }
                    let place = Int.random(in: 0..<frames[index].count, using: &random)
                    frames[index][place] = UInt8.random(in: 0...255, using: &random)
                }
            }
            let bytes = Client.preface + frames.flatMap { $0 }
            let socket = harness.connect()
            let cut = Int.random(in: 0...bytes.count, using: &random)
            socket.send(Array(bytes[..<cut]))
            socket.send(Array(bytes[cut...]))
            // Some wait for what comes, some are gone at once.
            if Bool.random(using: &random) { _ = socket.read(Int.random(in: 1...3000, using: &random)) }
            if Bool.random(using: &random) { socket.reset() } else { socket.close() }
        }
        let counters = await harness.counters {
            $0.connectionsOpen == 0 && $0.bufferedBytes == 0
        }
        #expect(counters.connectionsOpen == 0)
        #expect(counters.bufferedBytes == 0)
        // And it serves on.
        let client = Client(harness.connect())
        client.head(1, Client.get("/length/100"))
        #expect(client.answer(1).body == FakeUpstream.pattern(100))
        await harness.stop()
        upstream.stop()
    }
}
