import Testing
import Transport

@testable import ProxyEngine

@Suite("Where a message's body ends") struct MessageBodyTests {
    private func advance(_ body: inout MessageBody, _ text: String) -> MessageBody.Step {
        Array(text.utf8).withUnsafeBufferPointer { bytes in
            guard let base = bytes.baseAddress else { return MessageBody.Step() }
            return body.advance(base, bytes.count)
        }
    }

    @Test func aLengthTakesItsBytesAndNoMore() {
        var body = MessageBody(.length(5))
        #expect(advance(&body, "abc") == .init(forward: 3, consumed: 3))
        #expect(!body.isComplete)
        #expect(advance(&body, "deGET /") == .init(forward: 2, consumed: 2))
        #expect(body.isComplete)
        #expect(MessageBody(.length(0)).isComplete)
        #expect(MessageBody(.none).isComplete)
    }

    @Test func aResponseUntilCloseEndsWithTheStream() {
        var body = MessageBody(.untilClose)
        #expect(advance(&body, "abc") == .init(forward: 3, consumed: 3))
        #expect(!body.isComplete)
        body.endOfStream()
        #expect(body.isComplete)
        var length = MessageBody(.length(2))
        length.endOfStream()
        #expect(!length.isComplete)
    }

    @Test(arguments: [
        "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "00005;a=\"b\"\r\nhello\r\n0;x\r\n\r\n",
        "A \r\n0123456789\r\n000\r\n\r\n",
        "1\r\n\n\r\n2\r\n\r\n\r\n0\r\n\r\n",
    ])
    func chunksAreForwardedAsTheyAreWhereverTheyAreSplit(text: String) {
        let bytes = Array(text.utf8)
        for split in 0...bytes.count {
            var body = MessageBody(.chunked)
            var forwarded: [UInt8] = []
            for part in [bytes[..<split], bytes[split...] + Array("NEXT".utf8)] {
                if body.isComplete { break }
                let step = Array(part).withUnsafeBufferPointer { buffer in
                    buffer.baseAddress.map { body.advance($0, buffer.count) } ?? MessageBody.Step()
                }
                #expect(!step.isMalformed)
                forwarded += part.prefix(step.forward)
                if step.needsFinalCRLF { forwarded += [13, 10] }
                if body.isComplete { #expect(part.count - step.consumed == (split == bytes.count ? 0 : 4)) }
            }
            #expect(body.isComplete)
            #expect(forwarded == bytes)
        }
    }

    @Test(arguments: [true, false])
    func `a trailer section is found wherever it is split, and not forwarded as it is`(removesFraming: Bool) {
        let section = "X-Forwarded-For: evil\r\nA: b\r\n\r\n"
        let bytes = Array("1\r\nx\r\n0\r\n\(section)rest".utf8)
        for split in 0...bytes.count {
            var body = MessageBody(.chunked)
            var found: [UInt8] = []
            var forwarded: [UInt8] = []
            var needsFinalCRLF = false
            var consumed = 0
            for part in [bytes[..<split], bytes[split...]] where !body.isComplete {
                var copy = Array(part)
                let step = copy.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return MessageBody.Step() }
                    return removesFraming
                        ? body.advanceRemovingFraming(base, buffer.count) : body.advance(base, buffer.count)
                }
                found += copy[step.trailers]
                forwarded += copy.prefix(step.forward)
                consumed += step.consumed
                if step.needsFinalCRLF { needsFinalCRLF = true }
            }
            #expect(body.isComplete)
            #expect(found == Array(section.utf8))
            #expect(forwarded == Array((removesFraming ? "x" : "1\r\nx\r\n0\r\n").utf8))
            #expect(needsFinalCRLF == !removesFraming)
            #expect(consumed == bytes.count - 4)
        }
    }

    @Test(arguments: [
        "\r\n", "g\r\n", "-1\r\n", "0x5\r\n", "5\n", "5\rX", "5 5\r\n", "1\r\nxy", "1\r\nx\n", "1\r\nx\rX", "0\r\n\rX",
        "0\r\n : x\r\n\r\n", "5;a\u{1}\r\n", "5;a\n", "1234567890abcdef\r\n", "0\r\nA: b\n\r\n",
    ])
    func malformedChunksAreRefused(text: String) {
        var body = MessageBody(.chunked)
        #expect(advance(&body, text).isMalformed)
    }

    @Test func `a response's extensions are taken out wherever its bytes are split`() {
        let long = String(repeating: "a", count: 300)
        let bytes = Array("3;\(long)\r\nabc\r\n4 \t;x\r\ndefg\r\n0;y\r\nT: x\r\n\r\n".utf8)
        for split in 1..<bytes.count {
            var body = MessageBody.response(.chunked)
            var passed: [UInt8] = []
            var trailers: [UInt8] = []
            for part in [bytes[..<split], bytes[split...]] {
                var copy = Array(part)
                let step = copy.withUnsafeMutableBufferPointer { buffer in
                    buffer.baseAddress.map { body.advanceRemovingExtensions($0, buffer.count) } ?? MessageBody.Step()
                }
                passed += copy.prefix(step.forward)
                trailers += copy[step.trailers]
            }
            #expect(String(decoding: passed, as: UTF8.self) == "3\r\nabc\r\n4\r\ndefg\r\n0\r\n")
            #expect(String(decoding: trailers, as: UTF8.self) == "T: x\r\n\r\n")
            #expect(body.isComplete)
        }
    }

    @Test func `extensions of one line are bounded, a request's far below a response's`() {
        func isMalformed(_ start: MessageBody, _ count: Int) -> Bool {
            var body = start
            return advance(&body, "1;" + String(repeating: "a", count: count - 1) + "\r\nx\r\n").isMalformed
        }
        #expect(!isMalformed(MessageBody(.chunked), 257) && isMalformed(MessageBody(.chunked), 258))
        let response = MessageBody.response(.chunked)
        #expect(!isMalformed(response, 16 << 10) && isMalformed(response, (16 << 10) + 1))
    }

    @Test func framingIsTakenOffForClientsThatDoNotKnowIt() {
        let bytes = Array("3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nT: x\r\n\r\n".utf8)
        for split in 1..<bytes.count {
            var body = MessageBody(.chunked)
            var content: [UInt8] = []
            for part in [bytes[..<split], bytes[split...]] {
                var copy = Array(part)
                let step = copy.withUnsafeMutableBufferPointer { buffer in
                    buffer.baseAddress.map { body.advanceRemovingFraming($0, buffer.count) } ?? MessageBody.Step()
                }
                content += copy.prefix(step.forward)
            }
            #expect(String(decoding: content, as: UTF8.self) == "abcdefg")
            #expect(body.isComplete)
            #expect(body.chunkedContentBytes == 7)
        }
    }
}
