import Dispatch
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Fields behind the content") struct TrailerTests {
    private typealias Client = HTTP2TestClient
    typealias Version = ProxyConfiguration.Upstream.HTTPVersion

    private static func copy(_ text: String, _ side: TrailerSection.Side) -> String {
        var buffers = BufferPool()
        var lines = ByteBuffer()
        Array(text.utf8).withUnsafeBufferPointer { section in
            guard let base = section.baseAddress else { return }
            TrailerSection.copy(base, section.count, of: side, to: &lines, &buffers)
        }
        let copied = String(decoding: lines.copied, as: UTF8.self)
        buffers.release(&lines)
        return copied
    }

    @Test func `lines come out in one form`() {
        #expect(
            Self.copy("Checksum:abc\r\nB: \t two words \r\nempty:\r\n\r\n", .request)
                == "Checksum: abc\r\nB: two words\r\nempty: \r\n")
        #expect(Self.copy("\r\n", .request) == "")
        #expect(Self.copy("no colon\r\n: x\r\na b: c\r\nx: \u{1}\r\ny: 1\r\n", .response) == "y: 1\r\n")
    }

    @Test func `an underscore could pass for a hyphen in a request only`() {
        #expect(Self.copy("x_forwarded_for: a\r\na_b: c\r\n", .request) == "")
        #expect(Self.copy("a_b: c\r\n", .response) == "a_b: c\r\n")
    }

    @Test(arguments: [
        "Transfer-Encoding", "content-length", "HOST", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect",
        "If-Match", "if-unmodified-since", "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "Range",
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Prefix", "X-Real-IP", "Forwarded", "Proxy", "Location",
        "Date",
        "Content-Type", "Content-Encoding", "Content-Range", "WWW-Authenticate", "Cache-Control", "Age", "Vary",
    ])
    func `what means something in a head stays out`(name: String) {
        #expect(Self.copy("\(name): x\r\n", .request) == "")
        #expect(Self.copy("\(name): x\r\n", .response) == "")
    }

    @Test(arguments: [
        "grpc-status", "Grpc-Message", "grpc-status-details-bin", "Checksum", "Server-Timing", "ETag", "X-Foo",
    ])
    func `others pass`(name: String) {
        #expect(Self.copy("\(name): x\r\n", .request) == "\(name): x\r\n")
        #expect(Self.copy("\(name): x\r\n", .response) == "\(name): x\r\n")
    }

    /// Tells in its own trailers which ones it got.
    private static func upstream(_ version: Version) -> FakeUpstream {
        FakeUpstream(raw: { socket in
            if version == .http2 {
                let server = Client(serving: socket)
                while let stream = server.nextHead() {
                    let got = server.answer(stream).trailers.map { "\($0.name): \($0.value)" }.joined(separator: "|")
                    server.head(stream, [(":status", "200")], ends: false)
                    server.content(stream, Array("hello".utf8), ends: false)
                    server.head(stream, [("got", got), ("set-cookie", "a=b"), ("age", "1")])
                }
                return
            }
            while socket.readHead() != nil {
                guard socket.readChunks() != nil else { return }
                let got = socket.trailers.joined(separator: "|")
                socket.send(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nGot: \(got)\r\n"
                        + "Content-Length: 1\r\nSet-Cookie: a=b\r\n\r\n")
            }
        })
    }

    private static func harness(_ upstream: FakeUpstream, _ version: Version) throws -> EngineHarness {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.upstreams[0].version = version
        return try EngineHarness(configuration)
    }

    @Test(arguments: [Version.http1, .http2], [Version.http1, .http2])
    func `trailers pass both ways, whatever the sides speak`(client: Version, upstream version: Version) async throws {
        let upstream = Self.upstream(version)
        let harness = try Self.harness(upstream, version)
        let socket = harness.connect()
        let stream = client == .http2 ? Client(socket) : nil
        for index in 0..<4 {
            // With the content in one piece, and behind it.
            let isApart = index % 2 == 1
            let got: String
            if let stream {
                let id = Int32(2 * index + 1)
                stream.head(id, Client.post("/"), ends: false)
                stream.content(id, Array("content".utf8), ends: false)
                if isApart { stream.ping() }
                stream.head(
                    id,
                    [
                        ("checksum", "abc"), ("x-forwarded-for", "6.6.6.6"), ("if-match", "x"),
                        ("ssl-client-verify", "SUCCESS"),
                    ])
                let answer = stream.answer(id)
                #expect(answer.text == "hello")
                #expect(answer.trailers.map(\.name) == ["got"])
                got = answer.trailer("got") ?? ""
            } else {
                socket.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ncontent\r\n")
                if isApart { _ = await harness.counters { $0.upstreamConnectionsOpen == 1 } }
                socket.send("0\r\nchecksum: abc\r\nX-Forwarded-For: 6.6.6.6\r\nContent-Length: 9\r\n\r\n")
                #expect(socket.readHead()?.hasPrefix("HTTP/1.1 200 OK\r\n") == true)
                #expect(socket.readChunks() == Array("hello".utf8))
                #expect(socket.trailers.count == 1)
                got = socket.trailers.first.map { String($0.dropFirst(5)) } ?? ""
            }
            #expect(got == "checksum: abc")
        }
        let counters = await harness.counters { $0.statuses[200] == 4 }
        #expect(counters.upstreamConnectionsCreated == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [Version.http1, .http2])
    func `a request of trailers alone has no content`(version: Version) async throws {
        let upstream = Self.upstream(version)
        let harness = try Self.harness(upstream, version)
        let client = Client(harness.connect())
        client.head(1, Client.post("/"), ends: false)
        client.head(1, [("checksum", "abc")])
        #expect(client.answer(1).trailer("got") == "checksum: abc")
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nchecksum: abc\r\n\r\n")
        _ = socket.readHead()
        #expect(socket.readChunks() == Array("hello".utf8))
        #expect(socket.trailers == [version == .http1 ? "Got: checksum: abc" : "got: checksum: abc"])
        let counters = await harness.counters { $0.bufferedBytes == 0 }
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func `trailers without bound are no request and no response`() async throws {
        let line = "x: " + String(repeating: "y", count: 1000) + "\r\n"
        let mayEnd = DispatchSemaphore(value: 0)
        let endless = FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n")
            mayEnd.wait()
            while socket.send(line) {}
        })
        let front = try Self.harness(endless, .http1)
        let reader = front.connect()
        reader.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(reader.readHead() != nil)
        mayEnd.signal()
        #expect(reader.readChunks() == nil)
        await front.stop()
        endless.stop()
        let upstream = Self.upstream(.http1)
        let harness = try Self.harness(upstream, .http1)
        let writer = harness.connect()
        writer.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
        for _ in 0..<9 { writer.send(line) }
        #expect(writer.readResponse()?.status == 400)
        let client = Client(harness.connect())
        client.head(1, Client.post("/"), ends: false)
        client.head(1, (0..<9).map { ("x\($0)", String(repeating: "y", count: 1000)) })
        #expect(client.answer(1).status == 400)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a client of HTTP 1.0 gets the content alone`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            socket.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nGot: x\r\n\r\n")
        })
        let harness = try Self.harness(upstream, .http1)
        let socket = harness.connect()
        socket.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        #expect(String(decoding: socket.readToEnd(), as: UTF8.self).hasSuffix("\r\n\r\nhello"))
        await harness.stop()
        upstream.stop()
    }
}
