import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

/// Requests of HTTP/2 that would become something else in HTTP/1.1 ("downgrade" attacks): none of them may reach an upstream
/// as anything but one request for the host and path that it was routed by.
@Suite("No request of HTTP/2 becomes another one in HTTP/1.1") struct HTTP2SmugglingTests {
    private typealias Client = HTTP2TestClient

    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var fields: [(String, String)]
        var content: [UInt8]?

        init(_ name: String, _ fields: [(String, String)], content: [UInt8]? = nil) {
            self.name = name
            self.fields = fields
            self.content = content
        }

        var testDescription: String { name }
    }

    private static func request(
        method: String = "POST", scheme: String = "http", authority: String? = "a.example", path: String = "/echo",
        _ fields: [(String, String)] = []
    ) -> [(String, String)] {
        var all = [(":method", method), (":scheme", scheme)]
        if let authority { all.append((":authority", authority)) }
        return all + [(":path", path)] + fields
    }

    static let refused: [Case] = [
        // H2.CL
        Case("content-length without content", request([("content-length", "30")])),
        Case("two lengths", request([("content-length", "5"), ("content-length", "6")]), content: Array("12345".utf8)),
        Case("a list of lengths", request([("content-length", "5, 5")]), content: Array("12345".utf8)),
        Case("a length with a sign", request([("content-length", "+5")]), content: Array("12345".utf8)),
        // H2.TE
        Case("chunked", request([("transfer-encoding", "chunked")]), content: Array("0\r\n\r\nGET /admin".utf8)),
        Case("identity", request([("transfer-encoding", "identity")])),
        Case("connection", request([("connection", "close, x-forwarded-for")])),
        Case("keep-alive", request([("keep-alive", "1")])),
        Case("proxy-connection", request([("proxy-connection", "keep-alive")])),
        Case("upgrade", request([("upgrade", "h2c")])),
        Case("te other than trailers", request([("te", "chunked")])),
        // Injection through fields
        Case("CRLF in a value", request([("x", "a\r\ntransfer-encoding: chunked")])),
        Case("LF in a value", request([("x", "a\nhost: b.example")])),
        Case("CR in a value", request([("x", "a\rb")])),
        Case("NUL in a value", request([("x", "a\0b")])),
        Case("CRLF in a name", request([("x\r\ny", "a")])),
        Case("a colon in a name", request([("transfer-encoding: chunked\r\nx", "a")])),
        Case("a blank in a name", request([("transfer-encoding ", "chunked")])),
        Case("an upper-case name", request([("Transfer-Encoding", "chunked")])),
        Case("an empty name", request([("", "a")])),
        // Injection through pseudo fields
        Case("CRLF in the method", request(method: "GET / HTTP/1.1\r\nx: y\r\n\r\nGET")),
        Case("a blank in the method", request(method: "GET /admin")),
        Case("an empty method", request(method: "")),
        Case("CRLF in the path", request(path: "/ HTTP/1.1\r\nhost: b\r\n\r\n")),
        Case("a blank in the path", request(path: "/a HTTP/1.1")),
        Case("a tab in the path", request(path: "/a\tb")),
        Case("NUL in the path", request(path: "/a\0b")),
        Case("an empty path", request(path: "")),
        Case("no leading slash", request(path: "admin")),
        Case("an absolute path", request(path: "http://b.example/admin")),
        Case("a fragment", request(path: "/a#b")),
        Case("CRLF in the authority", request(authority: "a\r\nx: y")),
        Case("a blank in the authority", request(authority: "a b")),
        Case("a path in the authority", request(authority: "a/b")),
        Case("a user in the authority", request(authority: "b.example@a.example")),
        Case("two ports in the authority", request(authority: "a:80:90")),
        Case("another scheme", request(scheme: "gopher")),
        Case("a scheme that goes on", request(scheme: "http://b.example/?")),
        // Confusion about the host
        Case("no authority", request(authority: nil)),
        Case("an empty authority", request(authority: "")),
        Case("a host that contradicts", request([("host", "b.example")])),
        Case("two hosts", request(authority: nil, [("host", "a.example"), ("host", "a.example")])),
        Case("two authorities", [(":authority", "b.example")] + request()),
        Case("two paths", [(":path", "/b")] + request()),
        Case("two methods", [(":method", "GET")] + request()),
        Case("a pseudo field behind a field", request([("x", "y"), (":path", "/admin")])),
        Case("a pseudo field that nobody knows", request([(":version", "HTTP/1.1")])),
        Case("a response's pseudo field", request([(":status", "200")])),
        Case("no path", [(":method", "GET"), (":scheme", "http"), (":authority", "a.example")]),
        Case("no scheme", [(":method", "GET"), (":path", "/"), (":authority", "a.example")]),
        Case("no method", [(":scheme", "http"), (":path", "/"), (":authority", "a.example")]),
        Case("CONNECT", [(":method", "CONNECT"), (":authority", "a.example:22")]),
        Case("CONNECT with a path", request(method: "CONNECT")),
        Case("TRACE", request(method: "TRACE")),
    ]

    @Test(arguments: refused)
    func `it is refused and no upstream hears of it`(_ smuggling: Case) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, smuggling.fields, ends: smuggling.content == nil)
        if let content = smuggling.content { client.content(1, content, ends: true) }
        let answer = client.answer(1)
        #expect(
            answer.resetCode != nil || (400..<500).contains(answer.status) || client.goAway != nil,
            "\(answer.status)")
        await harness.stop()
        upstream.stop()
        #expect(upstream.accepted == 0)
        #expect(upstream.requests.isEmpty)
    }

    /// The head of a request is passed on before its content is there, so that a length that turns out wrong cannot be kept
    /// from an HTTP/1.1 upstream. What it gets is no whole request: nothing follows it on its connection, which ends.
    @Test(arguments: [("3", "GET /admin"), ("30", "short")])
    func `a length that its content contradicts resets the stream and ends the upstream's connection`(
        length: String, content: String
    ) async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Self.request([("content-length", length)]), ends: false)
        // It is on its way before the content comes.
        while upstream.accepted == 0 { await Task.yield() }
        client.content(1, Array(content.utf8), ends: true)
        #expect(client.answer(1).resetCode == 1)
        #expect(client.answer(1).status == 0)
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        client.head(3, Self.request())
        #expect(client.answer(3).status == 200)
        #expect(upstream.accepted == 2)
        await harness.stop()
        upstream.stop()
        #expect(upstream.requests.filter(\.isComplete).count == 1)
    }

    @Test func `what only looks dangerous is content or a value`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        // H2.0: content that reads like another request, with and without a length.
        let inner = Array("0\r\n\r\nGET /admin HTTP/1.1\r\nHost: b\r\n\r\n".utf8)
        client.head(1, Self.request([("content-length", "\(inner.count)")]), ends: false)
        client.content(1, inner, ends: true)
        #expect(client.answer(1).status == 200)
        client.head(3, Self.request(), ends: false)
        client.content(3, inner, ends: true)
        #expect(client.answer(3).status == 200)
        client.head(5, Self.request(authority: nil, [("host", "a.example"), ("content-length", "0")]))
        #expect(client.answer(5).status == 200)
        client.head(7, Self.request([("host", "A.EXAMPLE")]))
        #expect(client.answer(7).status == 200)
        // No client may say who it is by a name that looks like ours to a CGI program.
        client.head(9, Self.request([("x_forwarded_for", "1.2.3.4"), ("proxy", "http://evil")]))
        #expect(client.answer(9).status == 200)
        let requests = upstream.requests
        #expect(requests.count == 5)
        #expect(
            requests.allSatisfy { $0.startLine == "POST /echo HTTP/1.1" && $0["host"]?.lowercased() == "a.example" })
        #expect(requests.prefix(2).allSatisfy { $0.body == inner })
        #expect(requests.last?["x_forwarded_for"] == nil)
        #expect(requests.last?["proxy"] == nil)
        await harness.stop()
        upstream.stop()
    }
}
