import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite("Connections that have left HTTP") struct TunnelTests {
    /// Opens a tunnel for every request that offers one, and keeps what comes through it.
    private final class Tunnels: HTTPServerHandler {
        let stream = Mutex<HTTPResponseStream?>(nil)
        let received = Mutex<[UInt8]>([])
        let ends = Atomic(0)
        let holdsAtOnce: Bool

        init(holdsAtOnce: Bool = false) { self.holdsAtOnce = holdsAtOnce }

        func handle(_ request: HTTPRequest, _ responder: HTTPResponder) {
            guard request.path != "/plain" else { return responder.send(HTTPResponse(status: 200, text: "plain\n")) }
            let stream = responder.upgrade(
                headers: ["Upgrade": "raw"],
                input: UpgradedInput(
                    receive: { [self] bytes in
                        if holdsAtOnce { self.stream.withLock { $0 }?.holdInput() }
                        received.withLock { $0 += bytes }
                    },
                    ended: { [self] in ends.add(1, ordering: .relaxed) }))
            self.stream.withLock { $0 = stream }
        }
    }

    private static let head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\n"

    private func withServer(
        _ handler: Tunnels, isTLS: Bool = false, _ body: (HTTPServer, UInt16, [EventLoop]) async throws -> Void
    ) async throws {
        let loops = try EventLoop.group(count: 1, name: "test")
        defer { for loop in loops { loop.stop() } }
        var configuration = HTTPServerConfiguration()
        // Tunnels follow the pace of their peers.
        configuration.stallTimeout = .milliseconds(1)
        configuration.idleTimeout = .milliseconds(1)
        if isTLS {
            let issued = try CertificateAuthority.create(commonName: "test").issueServer(dnsNames: ["localhost"])
            let identity = try TLSIdentity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            configuration.tls = try TLSContext(server: TLSCertificates(fallback: identity))
        }
        let server = HTTPServer(loops: loops, configuration: configuration, handler: handler)
        let address = try server.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0)))
        try await body(server, address.port?.rawValue ?? 0, loops)
        await server.shutdown(drain: .milliseconds(200))
    }

    @Test func `a client that has said everything still gets its answer`() async throws {
        let handler = Tunnels()
        try await withServer(handler) { server, port, _ in
            let client = try RawClient(port: port)
            client.send(Self.head + "all of it")
            client.finishWriting()
            #expect(await eventually { handler.ends.load(ordering: .relaxed) == 1 })
            #expect(handler.received.withLock { $0 } == Array("all of it".utf8))
            let stream = try #require(handler.stream.withLock { $0 })
            stream.write(Array("answer".utf8))
            stream.finish()
            #expect(client.readToEnd().hasSuffix("\r\n\r\nanswer"))
            #expect(await eventually { stream.isClosed && server.connectionCount == 0 })
        }
    }

    @Test func `an answer that is over leaves the other direction open`() async throws {
        let handler = Tunnels()
        try await withServer(handler) { server, port, _ in
            let client = try RawClient(port: port)
            client.send(Self.head)
            #expect(client.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 101 "))
            let stream = try #require(handler.stream.withLock { $0 })
            stream.finish()
            #expect(client.readToEnd().isEmpty)
            client.send("still here")
            #expect(await eventually { handler.received.withLock { $0 } == Array("still here".utf8) })
            #expect(!stream.isClosed && server.connectionCount == 1)
            client.finishWriting()
            #expect(await eventually { stream.isClosed && server.connectionCount == 0 })
            #expect(handler.ends.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `nothing is read while the input is held, nor lost`() async throws {
        let handler = Tunnels(holdsAtOnce: true)
        try await withServer(handler) { _, port, _ in
            let client = try RawClient(port: port)
            client.send(Self.head)
            _ = client.read(until: "\r\n\r\n")
            let stream = try #require(handler.stream.withLock { $0 })
            client.send("first")
            #expect(await eventually { handler.received.withLock { $0.count } == 5 })
            client.send("second")
            client.finishWriting()
            // A round of the loop, and a sweep of its connections.
            try await Task.sleep(for: .milliseconds(1200))
            #expect(handler.received.withLock { $0.count } == 5 && handler.ends.load(ordering: .relaxed) == 0)
            // Each piece holds again: the end is seen behind the second.
            stream.admitInput()
            #expect(await eventually { handler.received.withLock { $0.count } == 11 })
            stream.admitInput()
            #expect(await eventually { handler.ends.load(ordering: .relaxed) == 1 })
        }
    }

    @Test func `input that nobody wants is dropped, and the output still arrives`() async throws {
        let handler = Tunnels()
        try await withServer(handler) { server, port, _ in
            let client = try RawClient(port: port)
            client.send(Self.head)
            _ = client.read(until: "\r\n\r\n")
            let stream = try #require(handler.stream.withLock { $0 })
            stream.write(Array("last".utf8))
            stream.refuseInput()
            client.send("unwanted")
            stream.finish()
            #expect(client.readToEnd() == "last")
            #expect(handler.received.withLock { $0.isEmpty } && handler.ends.load(ordering: .relaxed) == 0)
            #expect(await eventually { server.connectionCount == 0 })
        }
    }

    @Test func `a request that asked for a protocol and did not get it is the last one`() async throws {
        try await withServer(Tunnels()) { _, port, _ in
            let client = try RawClient(port: port)
            client.send(
                "GET /plain HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: raw\r\n\r\nGET /plain HTTP/1.1\r\n\r\n"
            )
            let text = client.readToEnd()
            #expect(text.contains("\r\nConnection: close\r\n") && text.hasSuffix("plain\n"))
            #expect(text.matches(of: #/HTTP\/1\.1 /#).count == 1)
        }
    }

    @Test(arguments: [false, true])
    func `the client's side ends each direction by itself, with and without TLS`(isTLS: Bool) async throws {
        let handler = Tunnels()
        try await withServer(handler, isTLS: isTLS) { server, port, loops in
            let client = HTTPClient(
                endpoint: .tcp(host: "127.0.0.1", port: Port(port)),
                tls: isTLS ? try TLSContext(client: .nothingVerified) : nil, loops: loops)
            var request = HTTPClientRequest(target: "/", headers: ["Upgrade": "raw"], timeout: .seconds(30))
            request.asksForUpgrade = true
            let answer = try await client.stream(request)
            #expect(answer.status == 101 && answer.headers["Upgrade"] == "raw")
            let upgrade = try #require(answer.upgrade)
            let closed = Atomic(false)
            upgrade.onClose { closed.store(true, ordering: .relaxed) }
            let sent = [UInt8](repeating: 0x61, count: 3_000_000)
            upgrade.send(sent)
            await withCheckedContinuation { continuation in upgrade.onRoom(below: 0) { continuation.resume() } }
            #expect(upgrade.pendingBytes == 0)
            upgrade.finish()
            upgrade.send([1])
            #expect(await eventually { handler.ends.load(ordering: .relaxed) == 1 })
            #expect(handler.received.withLock { $0 } == sent)
            let stream = try #require(handler.stream.withLock { $0 })
            stream.write(sent)
            stream.finish()
            var count = 0
            for try await piece in answer.body { count += piece.count }
            #expect(count == sent.count)
            #expect(await eventually { closed.load(ordering: .relaxed) && server.connectionCount == 0 })
        }
    }

    @Test func `a client that did not ask follows no server out of HTTP`() async throws {
        let listener = RawListener { peer in
            _ = peer.read(through: "\r\n\r\n")
            peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: raw\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
            _ = peer.readToEnd()
        }
        let loops = try EventLoop.group(count: 1, name: "test")
        defer { for loop in loops { loop.stop() } }
        let client = HTTPClient(
            endpoint: .tcp(host: "127.0.0.1", port: Port(UInt16(listener.port))), loops: loops)
        let error = await #expect(throws: TransportError.self) {
            try await client.send(HTTPClientRequest(target: "/"))
        }
        #expect(error?.code == .protocolViolation)
    }

    @Test func `the times of a request are not those of its tunnel`() async throws {
        try await withServer(Tunnels()) { _, port, loops in
            let client = HTTPClient(endpoint: .tcp(host: "127.0.0.1", port: Port(port)), loops: loops)
            var request = HTTPClientRequest(
                target: "/", headers: ["Upgrade": "raw"], timeout: .seconds(1), silence: .seconds(1),
                lifetime: .seconds(1))
            request.asksForUpgrade = true
            let answer = try await client.stream(request)
            try await Task.sleep(for: .milliseconds(1300))
            let upgrade = try #require(answer.upgrade)
            upgrade.finish()
            upgrade.close()
            await #expect(throws: (any Error).self) { for try await _ in answer.body {} }
        }
    }
}
