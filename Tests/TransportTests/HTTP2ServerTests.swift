import Foundation
import NetworkTypes
import Synchronization
import System
import TestSupport
import Testing

@testable import Transport

@Suite("The HTTP/2 server") struct HTTP2ServerTests {
    @Test func `answers by HTTP 2 when the client offers it`() async throws {
        let fixture = try HTTP2Fixture()
        let answer = try await fixture.curl("/peer", ["-w", " %{http_version} %{response_code}"])
        #expect(answer.output == "unix=false tls=true cn=- o=- v=http2 2 200")
        #expect(try await fixture.curl("/async").output == "async\n")
        #expect(try await fixture.curl("/nothing", ["-w", "%{response_code}"]).output == "not found\n404")
        #expect(try await fixture.curl("/empty", ["-w", "%{response_code}"]).output == "204")
        #expect(try await fixture.curl("/hello", ["-I"]).output.contains("content-length: 6"))
        await fixture.server.stop()
    }

    @Test func `moves large bodies both ways`() async throws {
        let fixture = try HTTP2Fixture()
        let file = fixture.directory.file("body")
        try Data(repeating: 0x41, count: 2_500_000).write(to: URL(fileURLWithPath: file))
        let echoed = try await fixture.curl("/echo", ["--data-binary", "@\(file)"])
        #expect(echoed.output.utf8.count == 2_500_000)
        #expect(try await fixture.curl("/big?9876543").output.utf8.count == 9_876_543)
        await fixture.server.stop()
    }

    @Test func `refuses a body over the limit`() async throws {
        let fixture = try HTTP2Fixture { $0.maxBodyBytes = 1000 }
        let file = fixture.directory.file("body")
        try Data(repeating: 0x41, count: 3_000_000).write(to: URL(fileURLWithPath: file))
        let answer = try await fixture.curl("/echo", ["--data-binary", "@\(file)", "-w", "%{response_code}"])
        #expect(answer.output.hasSuffix("413"))
        await fixture.server.stop()
    }

    @Test func `refuses a header list over the limit`() async throws {
        let fixture = try HTTP2Fixture { $0.maxHeadBytes = 4096 }
        let answer = try await fixture.curl(
            "/hello", ["-H", "X-Long: " + String(repeating: "x", count: 6000), "-w", "%{response_code}"])
        #expect(answer.output.hasSuffix("431"))
        await fixture.server.stop()
    }

    @Test func `streams, and reports the client's going`() async throws {
        let fixture = try HTTP2Fixture()
        let lines = try await fixture.curl("/lines?1000")
        #expect(lines.output.hasSuffix("line 999\n"))
        let watching = Task { try await fixture.curl("/watch", ["-N", "--max-time", "5"]) }
        let handler = fixture.server.handler
        #expect(await eventually { handler.streams.withLock { !$0.isEmpty } })
        handler.streams.withLock { $0.first }?.write(Array("event\n".utf8))
        #expect(try await watching.value.output == "event\n")
        #expect(await eventually { handler.closed.load(ordering: .relaxed) == 1 })
        #expect(try await fixture.curl("/cancel").status != 0)
        await fixture.server.stop()
    }

    @Test func `carries many streams of many connections`() async throws {
        let fixture = try HTTP2Fixture()
        for path in ["/hello", "/async", "/lines?20", "/big?50000"] {
            let result = try await run("h2load", ["-n", "2000", "-c", "10", "-m", "100", fixture.url(path)])
            #expect(result.output.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "\(result.output)")
        }
        await fixture.server.stop()
    }

    @Test func `shutdown sends GOAWAY, ends streams and finishes requests`() async throws {
        let fixture = try HTTP2Fixture()
        let handler = fixture.server.handler
        let watching = Task { try await fixture.curl("/watch", ["-N"]) }
        let holding = Task { try await fixture.curl("/hold") }
        // Until the handler has them, and not only the request: what is held is let go of below.
        try #require(
            await eventually { handler.held.withLock { $0.count } == 1 && handler.streams.withLock { $0.count } == 1 })
        async let stopped: Void = fixture.server.server.shutdown(drain: .seconds(10))
        #expect(try await watching.value.status == 0)
        handler.held.withLock { $0.removeFirst() }.send(HTTPResponse(status: 200, text: "late\n"))
        #expect(try await holding.value.output == "late\n")
        await stopped
        await fixture.server.stop()
    }

    @Test func `ends a connection that cancels request after request`() async throws {
        let fixture = try HTTP2Fixture()
        let connection = try fixture.connection()
        connection.send(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2Frame.bytes(type: 4))
        // :method GET, :scheme https, :path /, :authority a
        let headers: [UInt8] = [0x82, 0x87, 0x84, 0x41, 0x01, 0x61]
        for index in 0..<3000 {
            let id = UInt32(2 * index + 1)
            connection.send(
                HTTP2Frame.bytes(type: 1, flags: 5, stream: id, headers)
                    + HTTP2Frame.bytes(type: 3, flags: 0, stream: id, [0, 0, 0, 8]))
        }
        let answer = connection.readToEnd()
        // GOAWAY with ENHANCE_YOUR_CALM.
        #expect(answer.suffix(200).contains(0x0B))
        #expect(fixture.server.handler.requests.load(ordering: .relaxed) < 3000)
        #expect(await eventually { fixture.server.server.connectionCount == 0 })
        await fixture.server.stop()
    }

    /// CVE-2025-8671: a window that grows too large is an error of the stream.
    @Test func `ends a connection that makes the server reset request after request`() async throws {
        let fixture = try HTTP2Fixture()
        let connection = try fixture.session()
        let headers: [UInt8] = [0x83, 0x87, 0x84, 0x41, 0x01, 0x61]
        var last: [HTTP2Frame] = []
        // No more at once than it may have open.
        for batch in 0..<20 where !last.contains(where: { $0.type == HTTP2Frame.goAway }) {
            for index in 50 * batch..<50 * (batch + 1) {
                let id = UInt32(2 * index + 1)
                connection.send(
                    HTTP2Frame.bytes(type: 1, flags: 4, stream: id, headers)
                        + HTTP2Frame.bytes(type: 8, stream: id, [0x7F, 0xFF, 0xFF, 0xFF]))
            }
            last = connection.frames { frames in
                frames.contains { $0.type == HTTP2Frame.goAway }
                    || frames.count { $0.type == HTTP2Frame.resetStream } == 50
            }
        }
        let goAway = last.first { $0.type == HTTP2Frame.goAway }
        #expect(goAway?.payload.dropFirst(4) == [0, 0, 0, 0x0B])
        #expect(await eventually { fixture.server.server.connectionCount == 0 })
        await fixture.server.stop()
    }

    @Test func `ends a connection that says nothing at length`() async throws {
        let fixture = try HTTP2Fixture()
        let connection = try fixture.session()
        // Acknowledgements are not answered.
        let flood = (0..<5000).flatMap { _ in HTTP2Frame.bytes(type: 6, flags: 1, Array(repeating: 0, count: 8)) }
        for _ in 0..<110 { connection.send(flood) }
        #expect(await eventually { fixture.server.server.connectionCount == 0 })
        await fixture.server.stop()
    }

    @Test func `mutated frames never trap`() async throws {
        let fixture = try HTTP2Fixture { $0.connections = .init(network: 1000) }
        var random = SeededRandom(seed: 3)
        let headers: [UInt8] = [0x82, 0x87, 0x84, 0x41, 0x01, 0x61]
        let seed =
            Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
            + HTTP2Frame.bytes(type: 4, flags: 0, stream: 0, [0, 4, 0, 1, 0, 0])
            + HTTP2Frame.bytes(type: 1, flags: 4, stream: 1, headers)
            + HTTP2Frame.bytes(type: 0, flags: 1, stream: 1, [1, 2, 3])
            + HTTP2Frame.bytes(type: 8, flags: 0, stream: 0, [0, 0, 1, 0])
            + HTTP2Frame.bytes(type: 6, flags: 0, stream: 0, Array(0..<8))
            + HTTP2Frame.bytes(type: 1, flags: 5, stream: 3, headers)
            + HTTP2Frame.bytes(type: 3, flags: 0, stream: 3, [0, 0, 0, 8])
            + HTTP2Frame.bytes(type: 7, flags: 0, stream: 0, [0, 0, 0, 0, 0, 0, 0, 0])
        for _ in 0..<150 {
            var bytes = seed
            for _ in 0..<Int(1 + random.next() % 4) {
                bytes[24 + Int(random.next() % UInt64(bytes.count - 24))] = UInt8(truncatingIfNeeded: random.next())
            }
            let connection = try fixture.connection()
            connection.send(bytes)
        }
        #expect(try await fixture.curl("/hello").output == "hello\n")
        await fixture.server.stop()
    }
}
