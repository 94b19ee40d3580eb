import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import Transport

/// Clients that hold connections, memory or places: what they hold is bounded, and taken from them.
@Suite("Hostile connections") struct HostileConnectionTests {
    private func server(_ configure: (inout HTTPServerConfiguration) -> Void) throws -> TestServer {
        var configuration = HTTPServerConfiguration()
        configure(&configuration)
        return try TestServer(configuration: configuration)
    }

    @Test func `silent connections have no TLS state, and a further handshake ends the oldest`() async throws {
        let fixture = try HTTP2Fixture { $0.maxHandshakes = 10 }
        let server = fixture.server
        var clients = try (0..<50).map { _ in try RawClient(port: server.port) }
        #expect(await eventually { server.server.connectionCount == 50 })
        #expect(server.server.handshakeCount == 0)
        // A record's first byte each.
        for client in clients { client.send([0x16]) }
        #expect(await eventually { server.server.connectionCount == 10 })
        #expect(server.server.handshakeCount == 10)
        #expect(await eventually { server.configuration.crowding.counts.total == 40 })
        #expect(try await fixture.curl("/hello").output == "hello\n")
        clients.removeAll()
        #expect(await eventually { server.server.handshakeCount == 0 && server.server.connectionCount == 0 })
        await server.stop()
    }

    /// A TLS record's header and the beginning of a ClientHello.
    private static let halfHandshake: [UInt8] = [0x16, 3, 1, 2, 0, 1, 0]

    @Test func `half handshakes of one address, or of many, leave others theirs`() async throws {
        for addresses in [1, 30] {
            let fixture = try HTTP2Fixture { $0.maxHandshakes = 4 }
            let server = fixture.server
            // A kept connection, from before.
            let kept = try fixture.session()
            kept.send(HTTP2Frame.request(1, "GET", "/hello", ends: true))
            #expect(!kept.frames { $0.contains { $0.type == HTTP2Frame.data } }.isEmpty)
            let clients = try (0..<30).map { index in
                let source = IPAddress("127.0.5.\(1 + index % addresses)")
                let client = try RawClient(port: server.port, from: source)
                client.send(Self.halfHandshake)
                return client
            }
            #expect(await eventually { server.configuration.crowding.counts.total == 26 })
            #expect(server.server.handshakeCount == 4)
            #expect(try await fixture.curl("/hello").output == "hello\n")
            kept.send(HTTP2Frame.request(3, "GET", "/hello", ends: true))
            #expect(!kept.frames { $0.contains { $0.type == HTTP2Frame.data && $0.stream == 3 } }.isEmpty)
            withExtendedLifetime(clients) {}
            await server.stop()
        }
    }

    @Test func `silent connections of many addresses fill no server`() async throws {
        let server = try server { $0.connections = .init(network: 8) }
        let kept = try RawClient(port: server.port)
        kept.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.read(until: "hello\n").hasSuffix("hello\n"))
        let clients = try (1...30).map { try RawClient(port: server.port, from: IPAddress("127.0.5.\($0)")) }
        #expect(await eventually { server.configuration.crowding.counts[.madeRoom] == 26 })
        #expect(server.server.connectionCount == 5)
        let other = try RawClient(port: server.port, from: IPAddress("127.0.0.9"))
        other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.read(until: "hello\n").hasSuffix("hello\n"))
        kept.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(kept.read(until: "hello\n").hasSuffix("hello\n"))
        withExtendedLifetime(clients) {}
        await server.stop()
    }

    @Test func `a request that has come already is read before its connection would have to go`() async throws {
        let server = try server { $0.connections = .init(network: 8, perPeer: 8) }
        // While the loop is busy, more clients than may be without a request connect and send theirs.
        let isBusy = DispatchSemaphore(value: 0)
        let goesOn = DispatchSemaphore(value: 0)
        server.loops[0].execute {
            isBusy.signal()
            goesOn.wait()
        }
        isBusy.wait()
        let clients = try (0..<8).map { _ in
            let client = try RawClient(port: server.port)
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            return client
        }
        goesOn.signal()
        for client in clients { #expect(client.read(until: "hello\n").hasSuffix("hello\n")) }
        #expect(server.configuration.crowding.counts.total == 0)
        await server.stop()
    }

    @Test func `where every place is proven but one, newcomers take turns on that`() async throws {
        let server = try server { $0.connections = .init(network: 4) }
        let kept = try (0..<3).map { _ in try RawClient(port: server.port) }
        for client in kept {
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(client.read(until: "hello\n").hasSuffix("hello\n"))
        }
        let silent = try (1...5).map { try RawClient(port: server.port, from: IPAddress("127.0.5.\($0)")) }
        #expect(await eventually { server.configuration.crowding.counts[.madeRoom] == 4 })
        let other = try RawClient(port: server.port, from: IPAddress("127.0.0.9"))
        other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.read(until: "hello\n").hasSuffix("hello\n"))
        #expect(server.server.connectionCount == 4)
        // Now all four have had a request: the next one waits in the kernel's queue until somebody leaves.
        let last = try RawClient(port: server.port, from: IPAddress("127.0.0.10"))
        last.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.configuration.crowding.counts[.full] > 0 })
        kept[0].finishWriting()
        #expect(last.read(until: "hello\n").hasSuffix("hello\n"))
        withExtendedLifetime(silent) {}
        await server.stop()
    }

    @Test func `silent connections and slow handshakes end in time`() async throws {
        let fixture = try HTTP2Fixture { $0.headTimeout = .milliseconds(50) }
        let silent = try RawClient(port: fixture.server.port)
        let slow = try RawClient(port: fixture.server.port)
        slow.send([0x16])
        #expect(silent.readToEnd().isEmpty)
        #expect(slow.readToEnd().isEmpty)
        #expect(await eventually { fixture.server.server.connectionCount == 0 })
        #expect(fixture.server.server.handshakeCount == 0)
        await fixture.server.stop()
    }

    @Test func `one peer cannot take the others' connections`() async throws {
        let server = try server { $0.connections = .init(network: 8, perPeer: 3) }
        let greedy = try (0..<5).map { _ in try RawClient(port: server.port) }
        let ends = greedy.count { client in
            client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            return client.read(until: "hello\n").isEmpty
        }
        #expect(ends == 2)
        let other = try RawClient(port: server.port, from: IPAddress("127.0.0.2"))
        other.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.read(until: "hello\n").hasSuffix("hello\n"))
        #expect(server.server.connectionCount == 4)
        await server.stop()
    }

    @Test func `the unix socket answers while the network has no place left`() async throws {
        let server = try server { $0.connections = .init(network: 2, perPeer: 2) }
        let directory = try TemporaryDirectory()
        try server.server.listen(.unix(path: directory.file("s"), mode: 0o600))
        var clients: [RawClient] = []
        for count in 1...2 {
            let client = try RawClient(port: server.port)
            client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
            #expect(await eventually { server.handler.held.withLock { $0.count == count } })
        }
        // Who has sent a request keeps its place.
        for _ in 0..<2 {
            let late = try RawClient(port: server.port)
            late.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(late.readToEnd().isEmpty)
        }
        #expect(server.handler.held.withLock { $0.count } == 2)
        #expect(server.server.connectionCount == 2)
        let answer = try await run(
            "curl", ["-s", "--max-time", "10", "--unix-socket", directory.file("s"), "http://x/hello"])
        #expect(answer.output == "hello\n")
        withExtendedLifetime(clients) {}
        await server.stop()
    }

    @Test func `who does not take an answer is cut, and its bytes are free`() async throws {
        let server = try server { $0.stallTimeout = .milliseconds(50) }
        let client = try RawClient(port: server.port)
        client.send("GET /big?50000000 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.configuration.answers.bytes > 1_000_000 })
        #expect(await eventually { server.server.connectionCount == 0 })
        #expect(server.configuration.answers.bytes == 0)
        await server.stop()
    }

    @Test func `an HTTP 2 answer behind a closed window is cut, and its bytes are free`() async throws {
        let fixture = try HTTP2Fixture { $0.stallTimeout = .milliseconds(50) }
        // SETTINGS_INITIAL_WINDOW_SIZE 0
        let session = try fixture.session(settings: [0, 4, 0, 0, 0, 0])
        session.send(HTTP2Frame.request(1, "GET", "/big?100000", ends: true))
        #expect(await eventually { fixture.server.configuration.answers.bytes == 100_000 })
        let frames = session.frames { $0.contains { $0.type == HTTP2Frame.resetStream } }
        #expect(frames.last?.stream == 1)
        #expect(frames.last?.errorCode == 11)
        #expect(await eventually { fixture.server.configuration.answers.bytes == 0 })
        // The connection itself has done nothing wrong.
        session.send(
            HTTP2Frame.bytes(type: 4, [0, 4, 0, 0, 255, 255]) + HTTP2Frame.request(3, "GET", "/hello", ends: true))
        #expect(!session.frames { $0.contains { $0.type == HTTP2Frame.data && $0.stream == 3 } }.isEmpty)
        await fixture.server.stop()
    }

    @Test func `a stream that is cancelled is reset although its window is closed`() async throws {
        let fixture = try HTTP2Fixture()
        let session = try fixture.session(settings: [0, 4, 0, 0, 0, 0])
        session.send(HTTP2Frame.request(1, "GET", "/watch", ends: true))
        #expect(await eventually { fixture.server.handler.streams.withLock { !$0.isEmpty } })
        let stream = try #require(fixture.server.handler.streams.withLock { $0.first })
        stream.write([UInt8](repeating: 0x78, count: 1000))
        stream.cancel()
        let frames = session.frames { $0.contains { $0.type == HTTP2Frame.resetStream } }
        #expect(frames.contains { $0.type == HTTP2Frame.resetStream && $0.stream == 1 && $0.errorCode != 0 })
        #expect(await eventually { fixture.server.handler.closed.load(ordering: .relaxed) == 1 })
        await fixture.server.stop()
    }

    @Test func `a stream is reset although its bytes have been waiting for the window`() async throws {
        let fixture = try HTTP2Fixture()
        let session = try fixture.session(settings: [0, 4, 0, 0, 0, 0])
        session.send(HTTP2Frame.request(1, "GET", "/watch", ends: true))
        #expect(await eventually { fixture.server.handler.streams.withLock { !$0.isEmpty } })
        let stream = try #require(fixture.server.handler.streams.withLock { $0.first })
        stream.write([UInt8](repeating: 0x78, count: 1000))
        // Behind this answer the connection has been told of the bytes.
        session.send(HTTP2Frame.bytes(type: 6, [UInt8](repeating: 7, count: 8)))
        #expect(session.frames { $0.contains { $0.type == 6 } }.contains { $0.type == 6 && $0.flags == 1 })
        session.send(HTTP2Frame.request(3, "GET", "/empty", ends: true))
        #expect(session.frames { $0.contains { $0.stream == 3 } }.contains { $0.stream == 3 })
        stream.cancel()
        let frames = session.frames { $0.contains { $0.type == HTTP2Frame.resetStream } }
        #expect(frames.contains { $0.type == HTTP2Frame.resetStream && $0.stream == 1 && $0.errorCode != 0 })
        #expect(await eventually { fixture.server.handler.closed.load(ordering: .relaxed) == 1 })
        await fixture.server.stop()
    }

    @Test func `a stream is cut although its client takes none of the bytes before it`() async throws {
        // Not because it is slow.
        let server = try server { $0.stallTimeout = .seconds(3600) }
        let client = try RawClient(port: server.port)
        client.send("GET /watch HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await eventually { server.handler.streams.withLock { !$0.isEmpty } })
        let stream = try #require(server.handler.streams.withLock { $0.first })
        stream.write([UInt8](repeating: 0x78, count: 50_000_000))
        // The kernel has what it takes; the rest waits.
        let waiting = { stream.pendingBytes }
        #expect(await eventually { waiting() < 50_000_000 })
        var last = -1
        #expect(
            await eventually {
                defer { last = waiting() }
                return last == waiting()
            })
        stream.cancel()
        #expect(await eventually { server.server.connectionCount == 0 })
        #expect(server.handler.closed.load(ordering: .relaxed) == 1)
        withExtendedLifetime(client) {}
        await server.stop()
    }

    @Test func `a connection that was told to go is not read on`() async throws {
        let fixture = try HTTP2Fixture()
        let session = try fixture.session()
        // PING frames that are answers, 17 bytes each: 8 MiB of them are a flood.
        let flood = (0..<60_000).flatMap { _ in HTTP2Frame.bytes(type: 6, flags: 1, [UInt8](repeating: 0, count: 8)) }
        var sent = 0
        while sent < 256 << 20, session.trySend(flood) { sent += flood.count }
        // The flood, what may linger, and what the kernel's buffers hold.
        #expect(sent < (8 << 20) + LingeringClose.maxBytes + 16 << 20)
        #expect(await eventually { fixture.server.server.connectionCount == 0 })
        await fixture.server.stop()
    }

    @Test func `a body that nobody asked for is thrown away up to a bound`() async throws {
        let server = try server { $0.maxBodyBytes = 1000 }
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n")
        let block = [UInt8](repeating: 0x78, count: 1 << 20)
        var sent = 0
        while sent < 256 << 20, client.trySend(block) { sent += block.count }
        #expect(sent < LingeringClose.maxBytes + 16 << 20)
        #expect(await eventually { server.server.connectionCount == 0 })
        await server.stop()
    }

    @Test func `a client without a common protocol gets the alert that says so`() async throws {
        let fixture = try HTTP2Fixture()
        let port = fixture.server.port
        let foreign = try await run("openssl", ["s_client", "-connect", "127.0.0.1:\(port)", "-alpn", "foreign"])
        #expect(foreign.output.contains("alert number 120"))
        #expect(foreign.status != 0)
        #expect(try await fixture.curl("/hello", ["--no-alpn"]).output == "hello\n")
        await fixture.server.stop()
    }
}
