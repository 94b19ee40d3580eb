import TestSupport
import Testing

@testable import Transport

@Suite("Chunked bodies") struct HTTP1ChunkedDecoderTests {
    private enum Outcome: Equatable {
        case body(String, rest: String)
        case unfinished
        case invalid
    }

    /// Decodes in pieces of `size` bytes.
    private func decode(_ bytes: [UInt8], pieces size: Int) -> Outcome {
        var decoder = HTTP1ChunkedDecoder()
        var body: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + size, bytes.count)
            let outcome: Outcome? = bytes[start..<end].withUnsafeBytes { buffer in
                var position = 0
                while true {
                    switch decoder.next(buffer, position: &position) {
                    case .data(let range): body.append(contentsOf: buffer[range])
                    case .needsMore: return nil
                    case .invalid: return .invalid
                    case .end:
                        let rest = bytes[(start + position)...]
                        return .body(String(decoding: body, as: UTF8.self), rest: String(decoding: rest, as: UTF8.self))
                    }
                }
            }
            if let outcome { return outcome }
            start = end
        }
        return .unfinished
    }

    @Test(arguments: [
        ("0\r\n\r\n", "", ""), ("3\r\nabc\r\n0\r\n\r\nGET", "abc", "GET"),
        ("A;x=\"y\"\r\n0123456789\r\n01\r\nz\r\n000\r\n\r\n", "0123456789z", ""),
        ("1 ;e\r\na\r\n0\r\nTrailer: v\r\nOther:\r\n\r\n", "a", ""),
    ])
    func `decodes whatever the pieces`(text: String, body: String, rest: String) {
        for size in 1...text.utf8.count {
            #expect(decode(Array(text.utf8), pieces: size) == .body(body, rest: rest), "\(size)")
        }
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", "0x1\r\na\r\n", "1\nab\r\n", "1\r\nab\r\n", "1\r\na\n0\r\n\r\n", "1\r\na\r\n\r\n",
        "1;a\u{0}\r\n", "1234567890123456\r\n", "0\r\n x\r\n\r\n", "0\r\nno colon\r\n\r\n", "0\r\nA: b\n\r\n",
        "0\r\n\rx",
        "1;\u{7f}\r\n", "1 1\r\n",
    ])
    func `refuses`(text: String) {
        for size in 1...text.utf8.count { #expect(decode(Array(text.utf8), pieces: size) == .invalid, "\(size)") }
    }

    @Test func `bounds extensions and trailers`() {
        let long = String(repeating: "x", count: 20_000)
        #expect(decode(Array("1;\(long)\r\na\r\n0\r\n\r\n".utf8), pieces: 4096) == .invalid)
        #expect(decode(Array("0\r\nA: \(long)\r\n\r\n".utf8), pieces: 4096) == .invalid)
    }

    @Test func `what the encoder writes comes back`() {
        var random = SeededRandom(seed: 7)
        for _ in 0..<200 {
            var encoded: [UInt8] = []
            var expected = ""
            for _ in 0..<Int(random.next() % 5) {
                let count = 1 + Int(random.next() % 5000)
                let piece = String(repeating: "p", count: count)
                HTTP1ChunkedEncoder.appendSize(count, to: &encoded)
                encoded += Array((piece + "\r\n").utf8)
                expected += piece
            }
            encoded += Array("\(HTTP1ChunkedEncoder.end)".utf8)
            #expect(decode(encoded, pieces: 1 + Int(random.next() % 700)) == .body(expected, rest: ""))
        }
    }

    @Test func `mutated bodies never trap and decode alike in any pieces`() {
        var random = SeededRandom(seed: 9)
        let seed = Array("5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\nrest".utf8)
        for _ in 0..<10_000 {
            var bytes = seed
            for _ in 0..<Int(1 + random.next() % 3) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next() >> 32)
            }
            let whole = decode(bytes, pieces: bytes.count)
            #expect(decode(bytes, pieces: 1) == whole)
            #expect(decode(bytes, pieces: 7) == whole)
        }
    }
}
