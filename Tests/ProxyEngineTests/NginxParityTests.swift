import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

/// What nginx does with the same input, where a difference was found side by side.
@Suite("Nginx parity") struct NginxParityTests {
    // MARK: Responses that break off

    /// An upstream that begins a response of `head`, sends three bytes of it and then resets the connection.
    private static func resetting(_ head: String) -> FakeUpstream {
        FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            socket.send(head + "abc")
            // The bytes must be read before the reset discards them.
            usleep(50_000)
            socket.reset()
        })
    }

    @Test func `a response that ends with a reset gets no last chunk`() async throws {
        let upstream = Self.resetting("HTTP/1.1 200 OK\r\n\r\n")
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let response = try #require(socket.readResponse())
        #expect(response["Transfer-Encoding"] == "chunked")
        #expect(!response.isComplete)
        #expect(socket.isAtEnd)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a response that ends with its connection is complete at a close, and chunked to the client`()
        async throws
    {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let response = try #require(harness.get("/close/2000"))
        #expect(response.isComplete)
        #expect(response.body == FakeUpstream.pattern(2000))
        await harness.stop()
        upstream.stop()
    }

    @Test func `an HTTP 1.0 client sees a reset too`() async throws {
        let upstream = Self.resetting("HTTP/1.1 200 OK\r\n\r\n")
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        _ = socket.readToEnd()
        #expect(socket.end.hasPrefix("recv: "), "\(socket.end)")
        await harness.stop()
        upstream.stop()
    }

    // MARK: Fields

    @Test func `names that a CGI would read as another field are dropped`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let fields = "X_Forwarded_For: 6.6.6.6\r\nX.Forwarded.For: 6.6.6.6\r\nX-Kept-1: yes\r\nx_y: z\r\nLast: 1\r\n"
        let text = try #require(harness.get("/echo", fields: fields)).text
        #expect(!text.contains("6.6.6.6"))
        #expect(!text.contains("x_y"))
        #expect(text.contains("X-Kept-1: yes\n"))
        #expect(text.contains("Last: 1\n"))
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [
        "t.test:80:evil", "t.test:abc", "[::1]evil", "[::1", "[::1]:x", "t.test:", "t.test:65536", "t.test:123456",
        "[]", "[g::1]", "t]est", "t.test:+1", "", ":80",
    ])
    func `a host with anything but a port behind it, or without a name, is refused`(host: String) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET /echo HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        // An empty port is one (RFC 3986 section 3.2.3).
        #expect(socket.readResponse()?.status == (host == "t.test:" ? 200 : 400))
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: ["t.test:80", "[::1]:8080", "[::ffff:1.2.3.4]", "t.test.", "1.2.3.4:65535"])
    func `a host with a port is served`(host: String) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        #expect(harness.get("/echo", host: host)?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    private static func isDate(_ text: String?) -> Bool {
        text?.wholeMatch(of: #/[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT/#) != nil
    }

    @Test func `a response without a date gets one, another keeps its own`() async throws {
        let upstream = FakeUpstream { socket, request in
            let date = request.startLine.contains("dated") ? "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" : ""
            return socket.send("HTTP/1.1 200 OK\r\n\(date)Content-Length: 2\r\n\r\nok")
        }
        let harness = try EngineHarness([upstream.address])
        let added = try #require(harness.get("/"))
        #expect(added.all("Date").count == 1)
        #expect(Self.isDate(added["Date"]))
        #expect(added.text == "ok")
        #expect(harness.get("/dated")?.all("Date") == ["Sun, 06 Nov 1994 08:49:37 GMT"])
        await harness.stop()
        upstream.stop()
    }

    @Test func `an error page has a date and a server`() async throws {
        let harness = try EngineHarness([])
        let page = try #require(harness.get("/"))
        #expect(page.status == 503)
        #expect(Self.isDate(page["Date"]))
        #expect(page["Server"] == "martlet")
        #expect(page["Content-Length"] == "\(page.body.count)")
        await harness.stop()
    }

    // MARK: Response heads that nginx reads

    /// An upstream that sends `bytes` as they are and closes.
    private static func sending(_ bytes: String) -> FakeUpstream {
        FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            socket.send(bytes)
        })
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\nX-A: b\nContent-Length: 2\n\nok",
        "HTTP/1.1 200\nX-A: b\r\nContent-Length: 2\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: identity\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nHost: a b, c\r\nHost: d\r\nExpect: x\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nX-Control: \u{1}\u{7F}\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 2 ,2, 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ])
    func `a response head that others read is passed on, with lines as they should be`(bytes: String) async throws {
        let upstream = Self.sending(bytes)
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        let head = try #require(socket.readHead())
        #expect(head.hasPrefix("HTTP/1.1 200"))
        #expect(!head.replacingOccurrences(of: "\r\n", with: "").contains("\n"))
        #expect(head.contains("\r\nX-A: b\r\n"))
        #expect(!head.contains("identity"))
        #expect(head.contains("Transfer-Encoding: chunked") != head.contains("Content-Length: 2\r\n"))
        #expect(head.components(separatedBy: "Content-Length").count <= 2)
        #expect(head.components(separatedBy: "Transfer-Encoding").count <= 2)
        await harness.stop()
        upstream.stop()
    }

    @Test func `extensions of a response's chunks are skipped, however long`() async throws {
        let long = String(repeating: "a", count: 3_000)
        let upstream = Self.sending(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\(long)\r\nhello\r\n3 ;b=c\r\nyou\r\n0;d\r\n\r\n")
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        let response = try #require(socket.readResponse())
        #expect(response.status == 200 && response.isComplete)
        #expect(response.text == "helloyou")
        await harness.stop()
        upstream.stop()
    }

    @Test func `codings before chunked reach the client, who has to undo them`() async throws {
        let upstream = Self.sending(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\nzip\r\n0\r\n\r\n")
        let harness = try EngineHarness([upstream.address])
        let response = try #require(harness.get("/"))
        #expect(response.status == 200)
        #expect(response.all("Transfer-Encoding") == ["gzip, chunked"])
        #expect(response.text == "zip")
        let closing = Self.sending("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nzip")
        harness.engine.apply(EngineHarness.toAll([closing.address]))
        _ = await harness.engine.counters()
        let second = try #require(harness.get("/"))
        #expect(second.all("Transfer-Encoding") == ["gzip", "chunked"])
        #expect(second.text == "zip" && second.isComplete)
        await harness.stop()
        upstream.stop()
        closing.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2,\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;\(String(repeating: "a", count: 17_000))\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\n\(String(repeating: "a:\n", count: 4_500))\nok",
    ])
    func `what two recipients could read in two ways is still 502`(bytes: String) async throws {
        let upstream = Self.sending(bytes)
        let harness = try EngineHarness([upstream.address])
        #expect(harness.get("/")?.status == 502)
        await harness.stop()
        upstream.stop()
    }

    // MARK: Bodies

    @Test func `chunk extensions are passed on up to a bound`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        func answer(_ extensions: String, chunks: Int = 1) -> Int? {
            let socket = harness.connect()
            let chunk = "1;\(extensions)\r\nx\r\n"
            socket.send(
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + String(repeating: chunk, count: chunks) + "0\r\n\r\n")
            return socket.readResponse()?.status
        }
        #expect(answer("name=\"value\"") == 200)
        #expect(answer(String(repeating: "a", count: 256)) == 200)
        #expect(answer(String(repeating: "a", count: 257)) == 400)
        #expect(answer(String(repeating: "a", count: 200), chunks: 60) == 200)
        #expect(answer(String(repeating: "a", count: 200), chunks: 100) == 400)
        await harness.stop()
        upstream.stop()
    }

    @Test func `an empty line behind a body earns no answer`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.requestHeadTimeout = .milliseconds(100)
        limits.keepAliveTimeout = .milliseconds(400)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let socket = harness.connect()
        socket.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n")
        #expect(socket.readResponse()?.status == 200)
        #expect(socket.readToEnd() == [])
        // In pieces too, with a request behind it.
        let other = harness.connect()
        other.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\r")
        #expect(other.readResponse()?.status == 200)
        other.send("\n\r\n")
        other.send("GET /length/5 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.readResponse()?.body.count == 5)
        let counters = await harness.counters { $0.connectionsOpen == 0 }
        #expect(counters.statuses[408] == nil)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test(arguments: [299, 600, 999])
    func `a status that nobody has defined is passed on, and counted`(status: Int) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        #expect(harness.get("/status/\(status)")?.status == status)
        let counters = await harness.counters { $0.statuses[status] == 1 }
        #expect(counters.statuses[status] == 1)
        await harness.stop()
        upstream.stop()
    }

    // MARK: TLS

    @Test func `plain HTTP on the TLS port is told so, and silence costs no TLS state`() async throws {
        let upstream = FakeUpstream()
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.listeners = [EngineHarness.secureListener]
        let harness = try EngineHarness(configuration)
        let socket = TestSocket(connectingTo: harness.securePort)
        socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        let page = try #require(socket.readResponse())
        #expect(page.status == 400)
        #expect(page.text.contains("The plain HTTP request was sent to HTTPS port"))
        #expect(page["Content-Length"] == "\(page.body.count)")
        #expect(page["Connection"] == "close")
        #expect(socket.readToEnd() == [])
        #expect(upstream.requests.isEmpty)
        let late = TestSocket(connectingTo: harness.securePort)
        late.send("\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(late.readResponse()?.status == 400)
        // What is neither is the TLS library's to refuse.
        let garbage = TestSocket(connectingTo: harness.securePort)
        garbage.send([0, 1, 2, 3, 4, 5, 6, 7])
        _ = garbage.readToEnd()
        #expect(garbage.isAtEnd)
        await harness.stop()
        upstream.stop()
    }
}
