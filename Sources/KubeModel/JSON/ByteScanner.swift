/// Walks over valid JSON without keeping it.
package struct ByteScanner {
    private let bytes: UnsafeBufferPointer<UInt8>
    package private(set) var position = 0

    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.bytes = bytes
    }

    private func failure(_ message: String) -> JSONError {
        JSONError(position < bytes.count ? .unexpectedByte : .unexpectedEnd, message, offset: position)
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] <= 0x20 { position += 1 }
    }

    package mutating func enterObject() throws(JSONError) {
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "{") else { throw failure("expected an object") }
        position += 1
    }

    /// Where the next key of the object stands, without its quotes, the value being next; nil after the last one.
    package mutating func nextKey() throws(JSONError) -> Range<Int>? {
        skipSpace()
        if position < bytes.count, bytes[position] == UInt8(ascii: ",") {
            position += 1
            skipSpace()
        }
        guard position < bytes.count else { throw failure("unexpected end of JSON input") }
        if bytes[position] == UInt8(ascii: "}") {
            position += 1
            return nil
        }
        let key = try string()
        skipSpace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else { throw failure("expected a colon") }
        position += 1
        return key
    }

    /// Where a string stands, without its quotes.
    private mutating func string() throws(JSONError) -> Range<Int> {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\""), let base = bytes.baseAddress else {
            throw failure("expected a string")
        }
        position += 1
        let start = position
        let raw = UnsafeRawPointer(base)
        while position < bytes.count {
            if bytes.count - position >= 8 {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                let hits = specialBytes(word)
                if hits == 0 {
                    position += 8
                    continue
                }
                position += hits.trailingZeroBitCount >> 3
            }
            switch bytes[position] {
            case UInt8(ascii: "\""):
                position += 1
                return start..<(position - 1)
            case UInt8(ascii: "\\"): position += 2
            default: position += 1
            }
        }
        position = bytes.count
        throw failure("unexpected end of JSON input")
    }

    package func equals(_ range: Range<Int>, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        for offset in 0..<range.count where bytes[range.lowerBound + offset] != text.utf8Start[offset] { return false }
        return true
    }

    package mutating func skipValue() throws(JSONError) {
        skipSpace()
        var depth = 0
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                _ = try string()
                if depth == 0 { return }
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                // At depth 0 the number or word before it has ended.
                if depth == 0 { return }
                depth -= 1
                position += 1
                if depth == 0 { return }
            case UInt8(ascii: ",") where depth == 0:
                return
            default:
                position += 1
            }
        }
        throw failure("unexpected end of JSON input")
    }

    /// Where the value that is next stands.
    mutating func valueSpan() throws(JSONError) -> Range<Int> {
        skipSpace()
        let start = position
        try skipValue()
        return start..<position
    }

    /// Where the string that is next stands, without its quotes; empty for other values and for strings with escapes.
    package mutating func plainText() throws(JSONError) -> Range<Int> {
        let span = try valueSpan()
        guard span.count >= 2, bytes[span.lowerBound] == UInt8(ascii: "\"") else { return 0..<0 }
        let text = (span.lowerBound + 1)..<(span.upperBound - 1)
        return bytes[text].contains(UInt8(ascii: "\\")) ? 0..<0 : text
    }
}
