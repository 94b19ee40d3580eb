import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import Transport

@Suite("The HTTP/1 server") struct HTTPServerTests {
    private let get = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func `answers a request and keeps the connection`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        for _ in 0..<3 {
            client.send(get)
            let answer = client.read(until: "hello\n")
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.contains("\r\nContent-Length: 6\r\n"))
            #expect(answer.contains("\r\nDate: "))
        }
        await server.stop()
    }

    @Test func `answers pipelined requests in order`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send(
            "GET /async HTTP/1.1\r\nHost: a\r\n\r\n" + get
                + "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\nxyz")
        let answer = client.readToEnd()
        let order = ["async\n", "hello\n", "xyz"].compactMap { answer.range(of: $0)?.lowerBound }
        #expect(order.count == 3)
        #expect(order == order.sorted())
        await server.stop()
    }

    @Test func `answers ten thousand pipelined requests`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        let text = String(repeating: get, count: 10_000) + "GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        Thread.detachNewThread { [client = Unchecked(client)] in client.value.send(text) }
        let answer = client.readToEnd()
        #expect(answer.components(separatedBy: "hello\n").count == 10_001)
        await server.stop()
    }

    @Test func `takes a request that arrives byte by byte`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        let text =
            "POST /echo?q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
        for byte in text.utf8 { client.send([byte]) }
        #expect(client.read(until: "abcde").hasSuffix("abcde"))
        await server.stop()
    }

    @Test func `sends 100 Continue when the client waits for it`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(client.read(until: "\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n")
        client.send("ok")
        #expect(client.read(until: "ok").hasPrefix("HTTP/1.1 200 OK"))
        await server.stop()
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx", "400"),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", "400"),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"),
        ("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n", "413"),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", "505"),
        ("\u{16}\u{03}\u{01}\u{02}", "400"),
    ])
    func `refuses what is not acceptable and closes`(request: String, status: String) async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send(request)
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        await server.stop()
    }

    @Test func `refuses a head over the limit`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 40_000))
        #expect(client.readToEnd().hasPrefix("HTTP/1.1 431 "))
        await server.stop()
    }

    @Test func `lets the client read 413 while it is still sending`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n")
        client.send([UInt8](repeating: 0, count: 1_000_000))
        #expect(client.readToEnd().hasPrefix("HTTP/1.1 413 "))
        await server.stop()
    }

    @Test func `sends no body for HEAD`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send(
            "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\nHEAD /lines?2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = client.readToEnd()
        #expect(answer.contains("Content-Length: 6\r\n"))
        #expect(!answer.contains("hello\n"))
        #expect(!answer.contains("line 0"))
        #expect(answer.components(separatedBy: "HTTP/1.1 200").count == 3)
        await server.stop()
    }

    @Test func `streams chunks, and to HTTP 1.0 until close`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /lines?3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let chunked = client.readToEnd()
        #expect(chunked.contains("Transfer-Encoding: chunked\r\n"))
        #expect(chunked.hasSuffix("\r\n0\r\n\r\n"))
        let old = try RawClient(port: server.port)
        old.send("GET /lines?3 HTTP/1.0\r\n\r\n")
        #expect(old.readToEnd().hasSuffix("\r\n\r\nline 0\nline 1\nline 2\n"))
        await server.stop()
    }

    @Test func `a cancelled stream breaks the connection off`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /cancel HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(!client.readToEnd().contains("0\r\n\r\n"))
        await server.stop()
    }

    @Test func `a dropped responder answers 500`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /drop HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(client.readToEnd().hasPrefix("HTTP/1.1 500 "))
        await server.stop()
    }

    @Test func `a header value cannot inject a field`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /inject HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        #expect(!client.readToEnd().contains("\nX-Injected"))
        await server.stop()
    }

    @Test func `a slow reader shows as pending bytes, and its going closes the stream`() async throws {
        let server = try TestServer()
        var client: RawClient? = try RawClient(port: server.port)
        client?.send("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.handler.streams.withLock { !$0.isEmpty } })
        let stream = try #require(server.handler.streams.withLock { $0.first })
        let piece = [UInt8](repeating: 0x78, count: 100_000)
        for _ in 0..<200 { stream.write(piece) }
        #expect(stream.pendingBytes > 1_000_000)
        client?.reset()
        client = nil
        #expect(await eventually { server.handler.closed.load(ordering: .relaxed) == 1 })
        #expect(stream.isClosed)
        #expect(stream.pendingBytes == 0)
        await server.stop()
    }

    @Test func `a client that resets is reported to who holds its request`() async throws {
        let server = try TestServer()
        var client: RawClient? = try RawClient(port: server.port)
        client?.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.handler.held.withLock { !$0.isEmpty } })
        client?.reset()
        client = nil
        #expect(await eventually { server.handler.closed.load(ordering: .relaxed) == 1 })
        await server.stop()
    }

    @Test func `answers a client that closed its sending side`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /async HTTP/1.1\r\nHost: a\r\n\r\n")
        client.finishWriting()
        #expect(client.readToEnd().hasSuffix("async\n"))
        await server.stop()
    }

    @Test func `sends a large body completely`() async throws {
        let server = try TestServer()
        let client = try RawClient(port: server.port)
        client.send("GET /big?5000123 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let answer = client.readToEnd()
        let body = try #require(answer.range(of: "\r\n\r\n"))
        #expect(answer[body.upperBound...].utf8.count == 5_000_123)
        await server.stop()
    }

    @Test func `many idle connections stay open beside working ones`() async throws {
        let server = try TestServer(loops: 2)
        // A thousand where the process may open their two thousand ends, beside what other tests have open.
        var limit = rlimit()
        try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
        limit.rlim_cur = min(limit.rlim_max, max(limit.rlim_cur, 8192))
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let count = min(1000, Int(limit.rlim_cur) / 4)
        let idle = try (0..<count).map { _ in try RawClient(port: server.port) }
        #expect(await eventually { server.server.connectionCount == count })
        for client in [idle[0], idle[count / 2], idle[count - 1]] {
            client.send(get)
            #expect(client.read(until: "hello\n").hasPrefix("HTTP/1.1 200"))
        }
        await server.stop()
        #expect(server.server.connectionCount == 0)
    }

    @Test func `shutdown finishes running requests and ends streams`() async throws {
        let server = try TestServer()
        let held = try RawClient(port: server.port)
        held.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
        let watching = try RawClient(port: server.port)
        watching.send("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.handler.requests.load(ordering: .relaxed) == 2 })
        async let stopped: Void = server.server.shutdown(drain: .seconds(10))
        #expect(watching.readToEnd().hasSuffix("0\r\n\r\n"))
        server.handler.held.withLock { $0.removeFirst() }.send(HTTPResponse(status: 200, text: "late\n"))
        #expect(held.readToEnd().hasSuffix("late\n"))
        await stopped
        #expect(throws: TransportError.self) { try server.server.listen(server.address) }
    }

    @Test func `an occupied port is an error, also with several loops`() async throws {
        let server = try TestServer(loops: 2)
        for count in 1...2 {
            let error = #expect(throws: TransportError.self) { try TestServer(loops: count, bind: server.address) }
            #expect(error?.code == .addressInUse)
        }
        await server.stop()
    }

    @Test func `serves a unix socket with the wanted mode, and replaces a dead one`() async throws {
        let directory = try TemporaryDirectory()
        let path = directory.file("api.sock")
        let dead = try Socket.listen(unixPath: path, mode: 0o600)
        Socket.close(dead)
        let server = try TestServer(loops: 2, bind: .unix(path: path, mode: 0o600))
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let answer = try await run("curl", ["-s", "--unix-socket", path, "http://local/peer"])
        #expect(answer.output == "unix=true tls=false cn=- o=- v=http11")
        #expect(throws: TransportError.self) { try TestServer(bind: .unix(path: path, mode: 0o600)) }
        await server.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}

/// Hands a non-Sendable test object to another thread.
struct Unchecked<Value>: @unchecked Sendable {
    // The tests use the value from one thread at a time.
    let value: Value

    init(_ value: Value) { self.value = value }
}
