import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

/// Strangers that connect and send nothing, or half of something, hold no place that another one needs.
@Suite("The L7 proxy makes room") struct CrowdingTests {
    /// A TLS record's header and the beginning of a ClientHello.
    private static let halfHandshake: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0]

    private static func harness(
        _ upstream: FakeUpstream, connections: Int = 1_000, handshakes: Int = 1_000
    ) throws -> EngineHarness {
        var limits = ProxyLimits()
        limits.maxConnections = connections
        limits.maxHandshakes = handshakes
        var configuration = EngineHarness.toAll([upstream.address], limits: limits)
        configuration.listeners.append(EngineHarness.secureListener)
        return try EngineHarness(configuration)
    }

    /// 30 connections, from so many addresses.
    private static func strangers(
        _ port: UInt16, addresses: Int, _ bytes: [UInt8] = []
    ) throws -> [TestSocket] {
        try (0..<30).map { index in
            let source = try #require(IPAddress("127.0.5.\(1 + index % addresses)"))
            let socket = try TestSocket(connectingTo: port, from: source)
            if !bytes.isEmpty { socket.send(bytes) }
            return socket
        }
    }

    @Test(arguments: [1, 30])
    func `silent connections leave others the plain port, and who has sent a request its place`(addresses: Int)
        async throws
    {
        let upstream = FakeUpstream()
        let harness = try Self.harness(upstream, connections: 8)
        let kept = harness.connect()
        kept.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.readResponse()?.status == 200)
        let strangers = try Self.strangers(harness.port, addresses: addresses)
        let counters = await harness.counters {
            $0.connectionsClosed[.madeRoom] + $0.connectionsClosed[.peerShare] == 26
        }
        #expect(counters.connectionsClosed.total == 26)
        #expect(counters.connectionsOpen == 5)
        #expect(harness.get("/length/3")?.status == 200)
        kept.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.readResponse()?.status == 200)
        withExtendedLifetime(strangers) {}
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [1, 30])
    func `half handshakes leave others the TLS port`(addresses: Int) async throws {
        let upstream = FakeUpstream()
        for (connections, handshakes) in [(1_000, 4), (8, 1_000)] {
            let harness = try Self.harness(upstream, connections: connections, handshakes: handshakes)
            let strangers = try Self.strangers(harness.securePort, addresses: addresses, Self.halfHandshake)
            let counters = await harness.counters { $0.connectionsClosed.total == 26 }
            #expect(counters.connectionsClosed.total == 26)
            #expect(counters.connectionsOpen == 4)
            let other = try TLSClient(harness.securePort, name: "a.example", trust: .nothingVerified)
            #expect(other.get("/length/5", host: "a.example", length: 5).count == 5)
            withExtendedLifetime(strangers) {}
            await harness.stop()
        }
        upstream.stop()
    }

    @Test func `a connection with HTTP 2 keeps its place from its first request on`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(upstream, connections: 8)
        let kept = HTTP2TestClient(harness.connect())
        kept.head(1, HTTP2TestClient.get("/length/3"))
        #expect(kept.answer(1).status == 200)
        let strangers = try Self.strangers(harness.port, addresses: 30)
        let counters = await harness.counters { $0.connectionsClosed[.madeRoom] == 26 }
        #expect(counters.connectionsClosed[.madeRoom] == 26)
        kept.head(3, HTTP2TestClient.get("/length/3"))
        #expect(kept.answer(3).status == 200)
        withExtendedLifetime(strangers) {}
        await harness.stop()
        upstream.stop()
    }

    @Test func `behind a load balancer, addresses are those of the PROXY protocol`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.maxConnections = 8
        var configuration = EngineHarness.toAll([upstream.address], limits: limits)
        let listener = ProxyConfiguration.Listener(
            address: SocketAddress(ip: .loopbackV4, port: 0), scheme: .http, expectsProxyProtocol: true)
        configuration.listeners = [listener]
        let harness = try EngineHarness(configuration)
        let port = try #require(harness.engine.boundAddresses[listener]?.port.rawValue)
        // One client with two connections, two with one each.
        let clients = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"].map { source in
            let socket = TestSocket(connectingTo: port)
            socket.send("PROXY TCP4 \(source) 192.0.2.9 1000 80\r\n")
            return socket
        }
        _ = await harness.counters { $0.connectionsOpen == 4 }
        // The loop has come by twice since all headers were sent: it has read them.
        for _ in 0..<2 { _ = await harness.engine.counters() }
        let other = TestSocket(connectingTo: port)
        other.send("PROXY TCP4 192.0.2.4 192.0.2.9 1000 80\r\nGET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.readResponse()?.status == 200)
        // The oldest of whom has the most.
        #expect(clients[0].readToEnd() == [])
        for client in clients.dropFirst() {
            client.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.readResponse()?.status == 200)
        }
        await harness.stop()
        upstream.stop()
    }

    /// A request whose body never comes whole.
    private static let halfRequest = Array("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx".utf8)

    @Test func `a peer whose requests hold all places makes room for others, and only for others`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(upstream, connections: 8)
        let holder = try #require(IPAddress("127.0.5.1"))
        let holding = try (0..<8).map { _ in
            let socket = try TestSocket(connectingTo: harness.port, from: holder)
            socket.send(Self.halfRequest)
            return socket
        }
        _ = await harness.counters { $0.connectionsOpen == 8 && $0.upstreamConnectionsOpen == 8 }
        // No more of its own.
        #expect(try TestSocket(connectingTo: harness.port, from: holder).readToEnd() == [])
        let kept = harness.connect()
        kept.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.readResponse()?.status == 200)
        // The oldest went, and was told.
        #expect(holding[0].readResponse()?.status == 408)
        let secure = try TLSClient(harness.securePort, name: "a.example", trust: .nothingVerified)
        #expect(secure.get("/length/5", host: "a.example", length: 5).count == 5)
        let counters = await harness.counters { $0.connectionsClosed[.madeRoom] == 2 }
        #expect(counters.connectionsClosed[.madeRoom] == 2)
        #expect(counters.connectionsClosed[.full] == 1)
        // Who has less than others keeps its place.
        for _ in 0..<4 { #expect(try TestSocket(connectingTo: harness.port, from: holder).readToEnd() == []) }
        kept.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.readResponse()?.status == 200)
        withExtendedLifetime((holding, secure)) {}
        await harness.stop()
        upstream.stop()
    }

    @Test func `of the largest peer, an idle connection goes before one whose request is still coming`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(upstream, connections: 4)
        let holder = try #require(IPAddress("127.0.5.1"))
        let uploads = try (0..<3).map { _ in
            let socket = try TestSocket(connectingTo: harness.port, from: holder)
            socket.send(Self.halfRequest)
            return socket
        }
        let idle = try TestSocket(connectingTo: harness.port, from: holder)
        idle.send("GET /length/3 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.readResponse()?.status == 200)
        _ = await harness.counters { $0.connectionsOpen == 4 }
        #expect(harness.get("/length/3")?.status == 200)
        #expect(idle.readToEnd() == [])
        for upload in uploads {
            upload.send([UInt8](repeating: 0x78, count: 999))
            #expect(upload.readResponse()?.status == 200)
        }
        await harness.stop()
        upstream.stop()
    }

    @Test func `streams and tunnels of one peer are as many connections as they have`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(upstream, connections: 4)
        let holder = try #require(IPAddress("127.0.5.1"))
        let holding = try (0..<4).map { _ in
            let client = HTTP2TestClient(try TestSocket(connectingTo: harness.port, from: holder))
            client.head(1, HTTP2TestClient.get("/length/3"))
            #expect(client.answer(1).status == 200)
            return client
        }
        #expect(harness.get("/length/3")?.status == 200)
        let counters = await harness.counters { $0.connectionsClosed[.madeRoom] == 1 }
        #expect(counters.connectionsClosed[.madeRoom] == 1)
        withExtendedLifetime(holding) {}
        await harness.stop()
        upstream.stop()
    }
}
