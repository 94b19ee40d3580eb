import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import Transport

@Suite("The HTTP client") struct HTTPClientTests {
    private func client(_ server: TestServer, tls: TLSContext? = nil, host: String = "127.0.0.1") -> HTTPClient {
        HTTPClient(
            endpoint: .tcp(host: host, port: Port(server.port)), tls: tls, loops: server.loops,
            headers: ["User-Agent": "test"])
    }

    @Test func `sends requests one after the other over one connection`() async throws {
        let server = try TestServer()
        let client = client(server)
        for _ in 0..<5 {
            let response = try await client.send(HTTPClientRequest(target: "/hello"))
            #expect(response.status == 200)
            #expect(response.headers["content-type"] == "text/plain; charset=utf-8")
            #expect(response.body == Array("hello\n".utf8))
        }
        #expect(server.server.connectionCount == 1)
        await server.stop()
    }

    @Test func `sends bodies and resolves names`() async throws {
        let server = try TestServer()
        let client = client(server, host: "localhost")
        let body = [UInt8](repeating: 7, count: 2_000_000)
        let response = try await client.send(HTTPClientRequest(method: .put, target: "/echo?a=b", body: body))
        #expect(response.headers["X-Method"] == "PUT")
        #expect(response.headers["X-Query"] == "a=b")
        #expect(response.body == body)
        let head = try await client.send(HTTPClientRequest(method: .head, target: "/hello"))
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
        let large = try await client.send(HTTPClientRequest(target: "/big?3000000"))
        #expect(large.body.count == 3_000_000)
        let lines = try await client.send(HTTPClientRequest(target: "/lines?1000"))
        #expect(lines.body.count(where: { $0 == 10 }) == 1000)
        await server.stop()
    }

    @Test func `carries many requests at once`() async throws {
        let server = try TestServer(loops: 2)
        let client = client(server)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<100 {
                group.addTask { try await client.send(HTTPClientRequest(target: "/async")).status }
            }
            for try await status in group { #expect(status == 200) }
        }
        await server.stop()
    }

    @Test func `streams with backpressure`() async throws {
        let server = try TestServer()
        let client = client(server)
        let response = try await client.stream(HTTPClientRequest(target: "/watch"))
        #expect(response.status == 200)
        #expect(await eventually { server.handler.streams.withLock { !$0.isEmpty } })
        let stream = try #require(server.handler.streams.withLock { $0.first })
        for _ in 0..<300 { stream.write([UInt8](repeating: 1, count: 100_000)) }
        #expect(await eventually { stream.pendingBytes > 0 && stream.pendingBytes < 30_000_000 })
        #expect(stream.pendingBytes > 10_000_000)
        stream.finish()
        var count = 0
        for try await chunk in response.body { count += chunk.count }
        #expect(count == 30_000_000)
        #expect(stream.isClosed)
        await server.stop()
    }

    @Test func `dropping a stream closes its connection`() async throws {
        let server = try TestServer()
        let client = client(server)
        var response: HTTPClientStream? = try await client.stream(HTTPClientRequest(target: "/watch"))
        #expect(response?.status == 200)
        response = nil
        #expect(await eventually { server.handler.closed.load(ordering: .relaxed) == 1 })
        await server.stop()
    }

    @Test func `cancelling the task ends the wait and closes the connection`() async throws {
        let server = try TestServer()
        let client = client(server)
        let task = Task { try await client.send(HTTPClientRequest(target: "/hold")) }
        #expect(await eventually { server.handler.held.withLock { !$0.isEmpty } })
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        // The server cannot tell a closed connection from a half-closed one before it answers.
        server.handler.held.withLock { $0.removeFirst() }.send(HTTPResponse(status: 200, text: "late\n"))
        #expect(await eventually { server.server.connectionCount == 0 })
        await server.stop()
    }

    @Test func `gives up after the timeout`() async throws {
        let server = try TestServer()
        let client = client(server)
        let error = await #expect(throws: TransportError.self) {
            try await client.send(HTTPClientRequest(target: "/hold", timeout: .milliseconds(50)))
        }
        #expect(error?.code == .timedOut)
        await server.stop()
    }

    @Test func `a broken stream is an error, not an end`() async throws {
        let server = try TestServer()
        let client = client(server)
        await #expect(throws: TransportError.self) {
            try await client.send(HTTPClientRequest(target: "/cancel"))
        }
        await server.stop()
    }

    @Test func `reports a refused connection`() async throws {
        let listener = try Socket.listen(SocketAddress(ip: .loopbackV4, port: 0))
        let port = try #require(Socket.localAddress(listener)).port
        Socket.close(listener)
        let loops = try EventLoop.group(count: 1)
        let client = HTTPClient(endpoint: .tcp(host: "127.0.0.1", port: port), loops: loops)
        let error = await #expect(throws: TransportError.self) {
            try await client.send(HTTPClientRequest(target: "/"))
        }
        #expect(error?.code == .connectionRefused)
        loops[0].stop()
    }

    @Test func `a pooled connection that the server closed costs no request`() async throws {
        let loops = try EventLoop.group(count: 1)
        let first = HTTPServer(loops: loops, configuration: HTTPServerConfiguration(), handler: TestServer.Handler())
        let address = try first.listen(.tcp(SocketAddress(ip: .loopbackV4, port: 0)))
        let client = HTTPClient(
            endpoint: .tcp(host: "127.0.0.1", port: try #require(address.port)), loops: loops)
        #expect(try await client.send(HTTPClientRequest(target: "/hello")).status == 200)
        await first.shutdown()
        let second = HTTPServer(loops: loops, configuration: HTTPServerConfiguration(), handler: TestServer.Handler())
        try second.listen(address)
        #expect(try await client.send(HTTPClientRequest(target: "/hello")).status == 200)
        await second.shutdown()
        client.shutdown()
        await #expect(throws: TransportError.self) { try await client.send(HTTPClientRequest(target: "/hello")) }
        loops[0].stop()
    }

    @Test func `speaks over a unix socket`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("s")
        let server = try TestServer(bind: .unix(path: path, mode: 0o600))
        let client = HTTPClient(endpoint: .unix(path: path), loops: server.loops)
        let response = try await client.send(HTTPClientRequest(target: "/peer"))
        #expect(String(decoding: response.body, as: UTF8.self).hasPrefix("unix=true"))
        await server.stop()
    }

    @Test func `verifies the server and shows its own certificate`() async throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let credentials = try authority.issueServer(dnsNames: ["localhost"], addresses: [.loopbackV4])
        let identity = try TLSIdentity(certificatePEM: credentials.certificatePEM, keyPEM: credentials.keyPEM)
        let server = try TestServer(
            configuration: HTTPServerConfiguration(
                tls: try TLSContext(
                    server: TLSCertificates(fallback: identity),
                    clientVerification: .init(authoritiesPEM: authority.certificatePEM))))
        let own = try authority.issueClient(commonName: "me", organizations: ["admins"])
        let trusting = try TLSContext(
            client: .authorities(pem: authority.certificatePEM),
            identity: TLSIdentity(certificatePEM: own.certificatePEM, keyPEM: own.keyPEM))
        for host in ["localhost", "127.0.0.1"] {
            let client = client(server, tls: trusting, host: host)
            for _ in 0..<2 {
                let response = try await client.send(HTTPClientRequest(target: "/peer"))
                #expect(String(decoding: response.body, as: UTF8.self).contains("cn=me o=admins"))
            }
            let large = try await client.send(HTTPClientRequest(target: "/big?2000000"))
            #expect(large.body.count == 2_000_000)
        }
        let stranger = try CertificateAuthority.create(commonName: "other")
        let distrusting = try TLSContext(client: .authorities(pem: stranger.certificatePEM))
        for (context, host) in [(distrusting, "localhost"), (trusting, "127.0.0.2")] {
            let error = await #expect(throws: TransportError.self) {
                try await client(server, tls: context, host: host).send(HTTPClientRequest(target: "/hello"))
            }
            #expect(error?.code == (host == "localhost" ? .tls : .connectionRefused))
        }
        await server.stop()
    }

    @Test func `refuses targets and methods that would break the request`() async throws {
        let server = try TestServer()
        let client = client(server)
        for request in [
            HTTPClientRequest(target: "/a b"), HTTPClientRequest(target: "a"), HTTPClientRequest(target: "/\r\nX: y"),
            HTTPClientRequest(method: "GET /\r\n", target: "/"),
        ] {
            let error = await #expect(throws: TransportError.self) { try await client.send(request) }
            #expect(error?.code == .invalidArgument)
        }
        await server.stop()
    }

    @Test func `interim answers without end are an error, and the loop goes on`() async throws {
        let flood = RawListener { peer in
            _ = peer.read(through: "\r\n\r\n")
            while peer.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n") {}
        }
        let loops = try EventLoop.group(count: 1, name: "test")
        defer { for loop in loops { loop.stop() } }
        let client = HTTPClient(endpoint: .tcp(host: "127.0.0.1", port: Port(UInt16(flood.port))), loops: loops)
        let error = await #expect(throws: TransportError.self) {
            try await client.send(HTTPClientRequest(target: "/"))
        }
        #expect(error?.code == .limitExceeded)
        // As many as belong to one answer pass.
        let polite = RawListener { peer in
            _ = peer.read(through: "\r\n\r\n")
            for _ in 0..<100 { peer.send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n") }
            peer.send("HTTP/1.1 204 No Content\r\n\r\n")
            _ = peer.readToEnd()
        }
        let other = HTTPClient(endpoint: .tcp(host: "127.0.0.1", port: Port(UInt16(polite.port))), loops: loops)
        #expect(try await other.send(HTTPClientRequest(target: "/")).status == 204)
    }
}
