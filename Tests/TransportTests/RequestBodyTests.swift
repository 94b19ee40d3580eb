import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import Transport

/// Bodies over real sockets: the handler decides by the head, and what it does not want is not buffered.
@Suite("Bodies of requests") struct RequestBodyTests {
    private func server(_ configure: (inout HTTPServerConfiguration) -> Void = { _ in }) throws -> TestServer {
        var configuration = HTTPServerConfiguration()
        configure(&configuration)
        return try TestServer(configuration: configuration)
    }

    private func post(_ path: String, length: Int, fields: String = "") -> String {
        "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\(fields)\r\n"
    }

    // MARK: HTTP/1

    @Test func `a refused request is answered at its head, and no body is taken`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send(post("/refuse", length: 3_000_000))
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(server.configuration.bodyBudget.held == 0)
        await server.stop()
    }

    @Test func `a small body that nobody wants is skipped, and the connection goes on`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send(post("/refuse", length: 5) + "hello" + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = client.read(until: "hello\n")
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(answer.contains("HTTP/1.1 200 OK"))
        client.send(
            "POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
                + "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.read(until: "hello\n").contains("HTTP/1.1 200 OK"))
        await server.stop()
    }

    @Test func `a chunked body that nobody wants is skipped only so far`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send("POST /refuse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in 0..<10 { client.send("2710\r\n" + String(repeating: "x", count: 10_000) + "\r\n") }
        client.send("0\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(!answer.contains("hello\n"))
        await server.stop()
    }

    @Test func `a client that waits for 100 is not told to go on when it is refused`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send(post("/refuse", length: 100, fields: "Expect: 100-continue\r\n"))
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 401 "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        await server.stop()
    }

    @Test(arguments: [10, 200_000, 2_500_000])
    func `a handler may ask for the body later and from elsewhere`(length: Int) async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        Thread.detachNewThread { [client = Unchecked(client), head = post("/later", length: length)] in
            client.value.send(head + String(repeating: "x", count: length))
            client.value.finishWriting()
        }
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 200 OK"))
        #expect(answer.utf8.count > length)
        #expect(await eventually { server.configuration.bodyBudget.held == 0 })
        await server.stop()
    }

    @Test func `a body that does not arrive in time is answered 408`() async throws {
        let server = try server { $0.bodyTimeout = .milliseconds(50) }
        let client = try RawClient(port: server.port)
        client.send(post("/echo", length: 1000) + "x")
        let answer = client.readToEnd()
        #expect(answer.hasPrefix("HTTP/1.1 408 "))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(await eventually { server.configuration.bodyBudget.held == 0 })
        await server.stop()
    }

    @Test func `a body waits unread until the others leave it room`() async throws {
        let server = try server { $0.bodyBudget = ByteBudget(capacity: 1_000_000) }
        let budget = server.configuration.bodyBudget
        let first = try RawClient(port: server.port)
        let second = try RawClient(port: server.port)
        first.send(post("/echo", length: 900_000) + "begin")
        #expect(await eventually { budget.held == 900_000 })
        second.send(post("/echo", length: 800_000) + String(repeating: "y", count: 5))
        #expect(await eventually { budget.waitingCount == 1 })
        #expect(budget.held == 900_000)
        first.send(String(repeating: "x", count: 899_995))
        #expect(first.read(until: "xxx").hasPrefix("HTTP/1.1 200 OK"))
        #expect(await eventually { budget.held == 800_000 })
        second.send(String(repeating: "y", count: 799_995))
        #expect(second.read(until: "yyy").hasPrefix("HTTP/1.1 200 OK"))
        #expect(await eventually { budget.held == 0 })
        await server.stop()
    }

    @Test func `a client that leaves gives its room back`() async throws {
        let server = try server { $0.bodyBudget = ByteBudget(capacity: 1_000_000) }
        let budget = server.configuration.bodyBudget
        var clients = try (0..<3).map { _ in try RawClient(port: server.port) }
        for client in clients { client.send(post("/echo", length: 900_000) + "x") }
        #expect(await eventually { budget.held == 900_000 && budget.waitingCount == 2 })
        clients.removeAll()
        #expect(await eventually { budget.held == 0 && budget.waitingCount == 0 })
        await server.stop()
    }

    @Test func `a body of unknown length is counted with what it may become, and then with what it is`() async throws {
        let server = try server { $0.maxBodyBytes = 100_000 }
        let budget = server.configuration.bodyBudget
        let client = try RawClient(port: server.port)
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        #expect(await eventually { budget.held == 100_000 })
        client.send("0\r\n\r\n")
        #expect(client.read(until: "abc").hasPrefix("HTTP/1.1 200 OK"))
        #expect(await eventually { budget.held == 0 })
        await server.stop()
    }

    @Test func `a body under way ends within the grace of a shutdown`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send(post("/echo", length: 6) + "abc")
        #expect(await eventually { server.configuration.bodyBudget.held == 6 })
        let idle = try RawClient(port: server.port)
        idle.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = idle.read(until: "hello\n")
        async let stopped: Void = server.server.shutdown(drain: .seconds(10))
        // The idle connection ends first: the server drains.
        #expect(idle.readToEnd().isEmpty)
        client.send("def")
        let answer = client.readToEnd()
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(answer.hasSuffix("abcdef"))
        await stopped
        await server.stop()
    }

    @Test func `a request leaves HTTP for another protocol`() async throws {
        let server = try server()
        let client = try RawClient(port: server.port)
        client.send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ")
        let head = client.read(until: "early ")
        #expect(head.hasPrefix("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"))
        client.send("late")
        #expect(client.read(until: "late") == "late")
        server.handler.streams.withLock { $0.first }?.finish()
        #expect(client.readToEnd().isEmpty)
        #expect(await eventually { server.server.connectionCount == 0 })
        await server.stop()
    }

    // MARK: HTTP/2

    @Test func `refused HTTP 2 requests cost no body, and their streams are ended`() async throws {
        let fixture = try HTTP2Fixture()
        let session = try fixture.session()
        let piece = [UInt8](repeating: 0x78, count: 10_000)
        let streams = (0..<50).map { UInt32(2 * $0 + 1) }
        for stream in streams {
            session.send(
                HTTP2Frame.request(stream, "POST", "/refuse", ends: false)
                    + HTTP2Frame.bytes(type: HTTP2Frame.data, stream: stream, piece))
        }
        let frames = session.frames { frames in
            frames.count { $0.type == HTTP2Frame.resetStream } == streams.count
        }
        let resets = frames.filter { $0.type == HTTP2Frame.resetStream }
        #expect(Set(resets.map(\.stream)) == Set(streams))
        // NO_ERROR: the answer is whole (RFC 9113, 8.1).
        #expect(resets.allSatisfy { $0.errorCode == 0 })
        #expect(frames.count { $0.type == HTTP2Frame.headers } == streams.count)
        #expect(fixture.server.configuration.bodyBudget.held == 0)
        await fixture.server.stop()
    }

    @Test func `HTTP 2 bodies wait behind their windows until there is room`() async throws {
        let fixture = try HTTP2Fixture { $0.bodyBudget = ByteBudget(capacity: 1_000_000) }
        let budget = fixture.server.configuration.bodyBudget
        let session = try fixture.session()
        for stream in [UInt32(1), 3, 5] {
            session.send(
                HTTP2Frame.request(stream, "POST", "/echo", ends: false, fields: [("content-length", "900000")])
                    + HTTP2Frame.bytes(type: HTTP2Frame.data, stream: stream, [1, 2, 3]))
        }
        #expect(await eventually { budget.held == 900_000 && budget.waitingCount == 2 })
        // The first one is told that it may send more, the others are not.
        let frames = session.frames { $0.contains { $0.type == 8 && $0.stream != 0 } }
        #expect(Set(frames.filter { $0.type == 8 && $0.stream != 0 }.map(\.stream)) == [1])
        session.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 1, [0, 0, 0, 8]))
        #expect(await eventually { budget.held == 900_000 && budget.waitingCount == 1 })
        session.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 5, [0, 0, 0, 8]))
        session.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 3, [0, 0, 0, 8]))
        #expect(await eventually { budget.held == 0 && budget.waitingCount == 0 })
        await fixture.server.stop()
    }

    @Test func `one HTTP 2 connection has its share of the budget, and others the rest`() async throws {
        let fixture = try HTTP2Fixture {
            $0.bodyBudget = ByteBudget(capacity: 3_000_000)
            $0.maxBodyBytesPerConnection = 2_000_000
        }
        let budget = fixture.server.configuration.bodyBudget
        let greedy = try fixture.session()
        for stream in [UInt32(1), 3, 5, 7] {
            greedy.send(
                HTTP2Frame.request(stream, "POST", "/echo", ends: false, fields: [("content-length", "900000")]))
        }
        #expect(await eventually { fixture.server.handler.requests.load(ordering: .relaxed) == 4 })
        #expect(await eventually { budget.held == 1_800_000 })
        #expect(budget.waitingCount == 0)
        let file = fixture.directory.file("body")
        try Data(repeating: 0x41, count: 1_000_000).write(to: URL(fileURLWithPath: file))
        #expect(try await fixture.curl("/echo", ["--data-binary", "@\(file)"]).output.utf8.count == 1_000_000)
        // Who ends makes room for the next of its own.
        greedy.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 1, [0, 0, 0, 8]))
        greedy.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 3, [0, 0, 0, 8]))
        greedy.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 7, [0, 0, 0, 8]))
        #expect(await eventually { budget.held == 900_000 })
        greedy.send(HTTP2Frame.bytes(type: HTTP2Frame.resetStream, stream: 5, [0, 0, 0, 8]))
        #expect(await eventually { budget.held == 0 })
        await fixture.server.stop()
    }

    @Test(arguments: ["/echo", "/later"])
    func `HTTP 2 bodies arrive whole, whenever they are asked for`(path: String) async throws {
        let fixture = try HTTP2Fixture()
        for count in [1, 30_000, 40_000, 2_900_000] {
            let file = fixture.directory.file("body")
            try Data(repeating: 0x41, count: count).write(to: URL(fileURLWithPath: file))
            let answer = try await fixture.curl(path, ["--data-binary", "@\(file)"])
            #expect(answer.output.utf8.count == count)
        }
        #expect(await eventually { fixture.server.configuration.bodyBudget.held == 0 })
        await fixture.server.stop()
    }

    @Test func `an HTTP 2 body that does not arrive in time is answered 408`() async throws {
        let fixture = try HTTP2Fixture { $0.bodyTimeout = .milliseconds(50) }
        let session = try fixture.session()
        session.send(HTTP2Frame.request(1, "POST", "/echo", ends: false))
        let frames = session.frames { $0.contains { $0.type == HTTP2Frame.resetStream } }
        #expect(frames.contains { $0.type == HTTP2Frame.headers && $0.stream == 1 })
        #expect(frames.contains { $0.type == HTTP2Frame.resetStream && $0.stream == 1 && $0.errorCode == 0 })
        #expect(await eventually { fixture.server.configuration.bodyBudget.held == 0 })
        await fixture.server.stop()
    }
}
