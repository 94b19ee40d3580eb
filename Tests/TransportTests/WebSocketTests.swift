import TestSupport
import Testing

@testable import Transport

@Suite("WebSockets") struct WebSocketTests {
    private func request(_ change: (inout HTTPRequest) -> Void = { _ in }) -> HTTPRequest {
        var request = HTTPRequest(
            method: .get, target: "/",
            headers: [
                "Connection": "keep-alive, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            ])
        change(&request)
        return request
    }

    /// A client's frame.
    private func frame(_ first: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let mask: [UInt8] = [1, 2, 3, 4]
        let masked = payload.enumerated().map { $1 ^ mask[$0 & 3] }
        let length: [UInt8] =
            payload.count < 126
            ? [0x80 | UInt8(payload.count)] : [0x80 | 126, UInt8(payload.count >> 8), UInt8(payload.count & 255)]
        return [first] + length + mask + masked
    }

    @Test func `accepts as the RFC's example does`() {
        guard case .accepted(let headers) = WebSocketHandshake(request()) else {
            Issue.record("not accepted")
            return
        }
        #expect(headers["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(headers["Sec-WebSocket-Protocol"] == nil)
    }

    @Test func `names one of the client's protocols`() {
        let handshake = WebSocketHandshake(
            request { $0.headers["Sec-WebSocket-Protocol"] = "v4.channel.k8s.io, other" })
        guard case .accepted(let headers) = handshake else {
            Issue.record("not accepted")
            return
        }
        #expect(headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io")
    }

    @Test func `other requests are none, and malformed ones are refused`() {
        #expect(WebSocketHandshake(request { $0.headers["Upgrade"] = "h2c" }) == .none)
        #expect(WebSocketHandshake(request { $0.headers["Connection"] = nil }) == .none)
        #expect(WebSocketHandshake(request { $0.version = .http2 }) == .none)
        for change in [
            { (request: inout HTTPRequest) in request.method = .post },
            { $0.headers["Sec-WebSocket-Version"] = "8" }, { $0.headers["Sec-WebSocket-Key"] = nil },
            { $0.headers["Sec-WebSocket-Key"] = "short" }, { $0.headers.add("Sec-WebSocket-Key", "again") },
            { $0.hasBody = true },
        ] {
            guard case .refused = WebSocketHandshake(request(change)) else {
                Issue.record("not refused")
                return
            }
        }
    }

    @Test(arguments: [0, 1, 125, 126, 65_535, 65_536])
    func `frames have the shortest length there is`(count: Int) {
        var bytes: [UInt8] = []
        WebSocketFrame.append(.text, [UInt8](repeating: 7, count: count), to: &bytes)
        #expect(bytes[0] == 0x81)
        #expect(bytes.count == count + (count < 126 ? 2 : count < 65_536 ? 4 : 10))
        #expect(bytes.suffix(count).allSatisfy { $0 == 7 })
    }

    @Test func `control frames come out however they are cut, and messages are skipped`() {
        let bytes =
            frame(0x81, Array("hello".utf8)) + frame(0x89, Array("one".utf8))
            + frame(0x02, [UInt8](repeating: 9, count: 1000)) + frame(0x8A, []) + frame(0x80, [1])
            + frame(0x89, [UInt8](repeating: 1, count: 125)) + frame(0x88, [3, 232]) + [0xFF, 0xFF]
        let expected: [WebSocketFrameDecoder.Event] = [
            .ping(Array("one".utf8)), .ping([UInt8](repeating: 1, count: 125)), .close,
        ]
        for size in [1, 2, 3, 7, 1000, 10_000] {
            var decoder = WebSocketFrameDecoder()
            var events: [WebSocketFrameDecoder.Event] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                events += decoder.events(in: Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(events == expected)
        }
    }

    @Test(
        arguments: [
            [0x81, 0x01, 0x61], [0xC1], [0x83, 0x80, 0, 0, 0, 0], [0x89, 0xFE, 0, 126, 0, 0, 0, 0],
            [0x09, 0x80, 0, 0, 0, 0], [0x81, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
        ] as [[UInt8]])
    func `what no client may send is a violation, and nothing follows`(bytes: [UInt8]) {
        var decoder = WebSocketFrameDecoder()
        let answer1 = decoder.events(in: bytes)
        #expect(answer1 == [.violation])
        let answer2 = decoder.events(in: frame(0x89, []))
        #expect(answer2.isEmpty)
    }

    @Test func `random bytes never trap, and end or are held within bounds`() {
        var random = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            var decoder = WebSocketFrameDecoder()
            var violations = 0
            for _ in 0..<8 {
                let bytes = (0..<Int(random.next() % 40)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                for event in decoder.events(in: bytes) where event == .violation || event == .close { violations += 1 }
            }
            #expect(violations <= 1)
        }
    }
}
