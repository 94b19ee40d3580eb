import TestSupport
import Testing

@testable import Transport

@Suite("Heads of HTTP/1 messages") struct HTTP1HeadTests {
    private func parse(_ text: String) -> (HTTP1ParseResult, HTTP1RequestHead) {
        var head = HTTP1RequestHead()
        let result = Array(text.utf8).withUnsafeBytes { head.parse($0) }
        return (result, head)
    }

    private func fields(_ text: String) -> [String] {
        var head = HTTP1RequestHead()
        return Array(text.utf8).withUnsafeBytes { bytes in
            guard head.parse(bytes) == .complete else { return [] }
            return (0..<head.fields.count).map { index in
                let field = head.fields[index]
                return field.name.string(in: bytes) + "=" + field.value.string(in: bytes)
            }
        }
    }

    @Test func `finds every part of a request`() {
        let text = "GET /a/b?c=d HTTP/1.1\r\nHost: example.com:80\r\nEmpty:\r\nPadded: \t x y \t\r\n\r\nBODY"
        #expect(fields(text) == ["Host=example.com:80", "Empty=", "Padded=x y"])
        let bytes = Array(text.utf8)
        var head = HTTP1RequestHead()
        bytes.withUnsafeBytes { bytes in
            #expect(head.parse(bytes) == .complete)
            #expect(head.method.string(in: bytes) == "GET")
            #expect(head.target.string(in: bytes) == "/a/b?c=d")
            #expect(head.authority.string(in: bytes) == "example.com:80")
            #expect(head.byteCount == bytes.count - 4)
            #expect(head.framing == .none)
            #expect(head.keepsAlive)
        }
    }

    @Test(arguments: [
        ("Content-Length: 5", HTTP1BodyFraming.length(5)),
        ("Content-Length: 0", .none),
        ("Transfer-Encoding: Chunked", .chunked),
        ("X: y", .none),
    ])
    func `frames the body`(field: String, framing: HTTP1BodyFraming) {
        let (result, head) = parse("POST / HTTP/1.1\r\nHost: a\r\n\(field)\r\n\r\n")
        #expect(result == .complete)
        #expect(head.framing == framing)
    }

    @Test(arguments: [
        (1, "X: y", true), (1, "Connection: close", false), (1, "Connection: foo , CLOSE", false),
        (0, "X: y", false), (0, "Connection: Keep-Alive", true), (0, "Connection: keep-alive, close", false),
    ])
    func `decides about keep-alive`(minor: Int, field: String, expected: Bool) {
        let (result, head) = parse("GET / HTTP/1.\(minor)\r\nHost: a\r\n\(field)\r\n\r\n")
        #expect(result == .complete)
        #expect(head.keepsAlive == expected)
    }

    @Test func `understands upgrade and expect`() {
        let (_, upgrade) = parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Upgrade\r\nUpgrade: websocket\r\n\r\n")
        #expect(upgrade.wantsUpgrade)
        let (_, half) = parse("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
        #expect(!half.wantsUpgrade)
        let (_, expect) = parse("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n")
        #expect(expect.expectsContinue)
    }

    @Test(arguments: [
        ("http://b.example:8080/p?q", "b.example:8080", "/p?q"), ("HTTPS://b", "b", ""), ("http://b?q", "b", "?q"),
    ])
    func `an absolute target overrides Host`(target: String, authority: String, path: String) {
        let bytes = Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var head = HTTP1RequestHead()
        bytes.withUnsafeBytes { bytes in
            #expect(head.parse(bytes) == .complete)
            #expect(head.authority.string(in: bytes) == authority)
            #expect(head.pathAndQuery.string(in: bytes) == path)
        }
    }

    @Test(arguments: [
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP1Violation.malformedStartLine),
        ("GET /\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", .malformedLineEnd),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        (" GET / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("G\u{1}T / HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET http://u@b/ HTTP/1.1\r\nHost: a\r\n\r\n", .malformedStartLine),
        ("GET / HTTP/1.1\nHost: a\n\n", .malformedLineEnd),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", .malformedLineEnd),
        ("GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", .malformedLineEnd),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", .obsoleteFolding),
        ("GET / HTTP/1.1\r\n Host: a\r\n\r\n", .obsoleteFolding),
        ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\n: x\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{7f}b\r\n\r\n", .malformedField),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nX: y\r\n\r\n", .malformedHost),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n", .ambiguousLength),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unsupportedTransferCoding),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", .unsupportedTransferCoding),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            .unsupportedTransferCoding
        ),
        ("GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .unsupportedTransferCoding),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", .unsupportedVersion),
    ])
    func `refuses`(text: String, violation: HTTP1Violation) {
        #expect(parse(text).0 == .invalid(violation))
    }

    @Test func `every proper prefix of a head is incomplete`() {
        let text =
            "\r\nPOST /path HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX-Long: \(String(repeating: "v", count: 50))\r\n\r\n"
        for count in 0..<text.utf8.count {
            #expect(parse(String(decoding: text.utf8.prefix(count), as: UTF8.self)).0 == .incomplete, "\(count)")
        }
        #expect(parse(text).0 == .complete)
    }

    @Test(arguments: [63, 64, 65, 101, 1000, 3000])
    func `takes any number of fields that fits into the limit of bytes`(count: Int) {
        let many = (0..<count).map { "X\($0): \($0)\r\n" }.joined()
        let bytes = Array(("GET / HTTP/1.1\r\nHost: a\r\n" + many + "Connection: close\r\n\r\n").utf8)
        var head = HTTP1RequestHead()
        bytes.withUnsafeBytes { buffer in
            let result = head.parse(buffer, limits: HTTP1HeadLimits(headBytes: 65_535))
            #expect(result == .complete)
            #expect(head.fields.count == count + 2)
            #expect(head.fields[count].value.string(in: buffer) == "\(count - 1)")
            #expect(head.fields.first(.connection)?.value.string(in: buffer) == "close")
            // Reused for a head with fewer fields, it has only those.
            let next = Array("GET / HTTP/1.1\r\nHost: b\r\n\r\n".utf8).withUnsafeBytes { head.parse($0) }
            #expect(next == .complete)
            #expect(head.fields.count == 1 && head.keepsAlive)
        }
    }

    @Test func `limits the size`() {
        let many = (0..<10_000).map { "X\($0): y\r\n" }.joined()
        #expect(parse("GET / HTTP/1.1\r\nHost: a\r\n" + many + "\r\n").0 == .invalid(.headTooLarge))
        let long = "GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "y", count: 33_000)
        #expect(parse(long).0 == .invalid(.headTooLarge))
        #expect(parse(long + "\r\n\r\n").0 == .invalid(.headTooLarge))
        var head = HTTP1RequestHead()
        let largest = Array((long + String(repeating: "y", count: 30_000) + "\r\n\r\n").utf8)
        #expect(largest.withUnsafeBytes { head.parse($0, limits: HTTP1HeadLimits(headBytes: 1 << 20)) } == .complete)
        #expect(head.fields[1].value.count == 63_000)
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", false, HTTP1BodyFraming.length(2), true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true, .none, true),
        ("HTTP/1.1 200\r\n\r\n", false, .untilClose, false),
        ("HTTP/1.1 204 No Content\r\n\r\n", false, .none, true),
        ("HTTP/1.1 304 \r\nContent-Length: 9\r\n\r\n", false, .none, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, .chunked, true),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n", false, .length(2), false),
    ])
    func `frames a response`(text: String, toHead: Bool, framing: HTTP1BodyFraming, keepsAlive: Bool) {
        var head = HTTP1ResponseHead()
        #expect(Array(text.utf8).withUnsafeBytes { head.parse($0, toHead: toHead) } == .complete)
        #expect(head.framing == framing)
        #expect(head.keepsAlive == keepsAlive)
        #expect(head.byteCount == text.utf8.count)
    }

    @Test(arguments: [
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 OK\r\n\r\n", "ICY 200 OK\r\n\r\nxx", "HTTP/1.1 200 O\u{1}\r\n\r\n",
    ])
    func `refuses a response`(text: String) {
        var head = HTTP1ResponseHead()
        let result = Array(text.utf8).withUnsafeBytes { head.parse($0, toHead: false) }
        guard case .invalid = result else {
            Issue.record("\(result)")
            return
        }
    }

    @Test func `mutated heads never trap and never change with the split`() {
        var random = SeededRandom(seed: 42)
        let seeds = [
            "GET /a?b HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nAccept: */*\r\n\r\n",
            "POST http://h/p HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
            "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nX: \t y\r\n\r\n",
        ].map { Array($0.utf8) }
        let alphabet: [UInt8] = [0, 9, 10, 13, 32, 44, 58, 59, 47, 48, 57, 64, 65, 127, 128, 255]
        var request = HTTP1RequestHead()
        var response = HTTP1ResponseHead()
        for _ in 0..<20_000 {
            var bytes = seeds[Int(random.next() % 3)]
            for _ in 0..<Int(random.next() % 6) {
                let position = Int(random.next() % UInt64(bytes.count))
                switch random.next() % 3 {
                case 0: bytes[position] = alphabet[Int(random.next() % UInt64(alphabet.count))]
                case 1: bytes.remove(at: position)
                default: bytes.insert(alphabet[Int(random.next() % UInt64(alphabet.count))], at: position)
                }
            }
            let whole = bytes.withUnsafeBytes { request.parse($0) }
            let count = request.byteCount
            if whole == .complete {
                #expect(count <= bytes.count)
                // A head does not depend on what follows it, and is not complete before its end.
                #expect(bytes[..<count].withUnsafeBytes { request.parse($0) } == .complete)
                #expect(bytes[..<(count - 1)].withUnsafeBytes { request.parse($0) } == .incomplete)
            }
            _ = bytes.withUnsafeBytes { response.parse($0, toHead: false) }
            bytes.replaceSubrange(0..<min(15, bytes.count), with: Array("HTTP/1.1 200 OK".utf8))
            _ = bytes.withUnsafeBytes { response.parse($0, toHead: false) }
        }
    }
}
