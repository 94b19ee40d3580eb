import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Access log line") struct AccessLogLineTests {
    private static func line(_ head: [UInt8], upstream: String? = "shop/web:80", isHTTP2: Bool = false) -> String {
        head.withUnsafeBytes { head in
            let record = AccessRecord(
                head: head, status: 200, bytesUp: 10, bytesDown: 1234, duration: .milliseconds(1_042),
                client: SocketAddress(ip: .loopbackV4, port: 4000),
                endpoint: SocketAddress(ip: .loopbackV4, port: 8080), upstream: upstream, isHTTP2: isHTTP2)
            var bytes: [UInt8] = []
            var line = AccessLogLine()
            line.append(record, unixTime: 1_795_827_600, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test func `a line is nginx' combined format and what is known of the upstream`() {
        let head =
            "GET /a?b HTTP/1.1\r\nHost: a.example\r\nX-Request-ID: 7f\r\nReferer: http://r/\r\nUser-Agent: curl\r\n\r\n"
        #expect(
            Self.line(Array(head.utf8))
                == "127.0.0.1 - - [28/Nov/2026:01:00:00 +0000] \"GET /a?b HTTP/1.1\" 200 1234 \"http://r/\" \"curl\" "
                + "1.042 \"a.example\" [shop/web:80] 127.0.0.1:8080 \"7f\"\n")
    }

    @Test func `a request of HTTP/2 says so`() {
        let head = Array("GET /a HTTP/1.1\r\nhost: a.example\r\n\r\n".utf8)
        #expect(Self.line(head, isHTTP2: true).contains(" \"GET /a HTTP/2.0\" 200 "))
        #expect(Self.line([], isHTTP2: true).contains(" \"-\" 200 "))
    }

    @Test func `what was not understood leaves hyphens`() {
        #expect(
            Self.line([], upstream: nil)
                == "127.0.0.1 - - [28/Nov/2026:01:00:00 +0000] \"-\" 200 1234 \"-\" \"-\" 1.042 \"-\" [-] "
                + "127.0.0.1:8080 \"-\"\n")
    }

    @Test func `a client can neither end a quote nor a line, nor reach the terminal`() {
        let head = Array("GET /\"\\ HTTP/1.1\r\nUser-Agent: a\u{1B}[31m\tb\r\n\r\n".utf8)
        let line = Self.line(head + [0x80])
        #expect(line.contains("\"GET /\\x22\\x5C HTTP/1.1\""))
        #expect(line.contains("\"a\\x1B[31m\\x09b\""))
        #expect(line.filter { $0 == "\n" }.count == 1)
    }

    @Test func `a line is bounded whatever a client sends`() {
        let long = String(repeating: "\"", count: 30_000)
        let head =
            "GET /\(long) HTTP/1.1\r\nHost: \(long)\r\nReferer: \(long)\r\nUser-Agent: \(long)\r\nX-Request-ID: \(long)\r\n\r\n"
        let line = Self.line(Array(head.utf8))
        #expect(line.utf8.count <= AccessLogLine.maxLineBytes)
        #expect(line.contains("...\""))
    }

    @Test func `fields are found by name whatever their case, and only before the empty line`() {
        let head = "GET / HTTP/1.1\r\nhOST:a\r\nEmpty:\r\n\r\nReferer: body\r\n"
        let line = Self.line(Array(head.utf8))
        #expect(line.contains(" \"a\" [shop"))
        #expect(!line.contains("body"))
    }
}
