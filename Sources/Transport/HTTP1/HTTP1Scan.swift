/// Byte classes of RFC 9110 and the scans over them. A scan never reads outside its buffer.
enum HTTP1Scan {
    // RFC 9110, 5.6.2: tchar, as bits for bytes 0…63 and 64…127.
    private static let tokenLow: UInt64 = 0x03ff_6cfa_0000_0000
    private static let tokenHigh: UInt64 = 0x57ff_ffff_c7ff_fffe

    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        let bits = byte < 64 ? tokenLow : tokenHigh
        return byte < 128 && (bits >> UInt64(byte & 63)) & 1 == 1
    }

    // Eight bytes are looked at as one number: comparisons of `SIMD16` become loops over the lanes (Swift 6.3), which
    // made this a tenth of the proxy's time. In the words below the lowest flagged byte is exact; flags above it may
    // be borrows and do not matter.
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// Flags bytes below `bound`, which must be at most 0x80.
    @inline(__always)
    private static func below(_ word: UInt64, _ bound: UInt64) -> UInt64 {
        (word &- ones &* bound) & ~word & tops
    }

    /// Flags bytes equal to `value`.
    @inline(__always)
    private static func equal(_ word: UInt64, _ value: UInt64) -> UInt64 {
        below(word ^ (ones &* value), 1)
    }

    @inline(__always)
    private static func word(_ buffer: UnsafeRawBufferPointer, _ index: Int) -> UInt64 {
        UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }

    /// The first byte at or after `start` that may not stand in a field value (RFC 9110, 5.5): a control character
    /// other than HTAB. `buffer.count` if there is none.
    @inline(__always)
    static func endOfFieldValue(_ buffer: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index + 8 <= buffer.count {
            let bytes = word(buffer, index)
            let stops = below(bytes, 0x20) | equal(bytes, 0x7F)
            if stops == 0 {
                index += 8
                continue
            }
            index += stops.trailingZeroBitCount >> 3
            if buffer[index] != 0x09 { return index }
            index += 1
        }
        while index < buffer.count {
            let byte = buffer[index]
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { return index }
            index += 1
        }
        return index
    }

    /// The first byte at or after `start` that may not stand in a request target: a control character, a space or
    /// DEL. Bytes above 0x7F pass, as in nginx: clients send raw UTF-8.
    @inline(__always)
    static func endOfTarget(_ buffer: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index + 8 <= buffer.count {
            let bytes = word(buffer, index)
            let stops = below(bytes, 0x21) | equal(bytes, 0x7F)
            if stops != 0 { return index + stops.trailingZeroBitCount >> 3 }
            index += 8
        }
        while index < buffer.count {
            let byte = buffer[index]
            if byte <= 0x20 || byte == 0x7F { return index }
            index += 1
        }
        return index
    }

    /// The first byte at or after `start` that is no token character.
    @inline(__always)
    static func endOfToken(_ buffer: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        // Names are letters and hyphens, mostly: eight at a time, and whatever else is in them one by one.
        while index + 8 <= buffer.count {
            let bytes = word(buffer, index)
            if bytes & tops != 0 { break }
            let lower = bytes | ones &* 0x20
            let letters = (lower &+ ones &* 0x1F) & ~(lower &+ ones &* 0x05)
            let hyphens = ~((bytes ^ (ones &* 0x2D)) &+ ones &* 0x7F)
            let stops = ~(letters | hyphens) & tops
            if stops != 0 {
                index += stops.trailingZeroBitCount >> 3
                break
            }
            index += 8
        }
        while index < buffer.count, isToken(buffer[index]) { index += 1 }
        return index
    }

    static func equals(_ bytes: UnsafeRawBufferPointer, lowercase text: StaticString) -> Bool {
        guard bytes.count == text.utf8CodeUnitCount else { return false }
        let expected = text.utf8Start
        for index in 0..<bytes.count where bytes[index].asciiLowercased != expected[index] { return false }
        return true
    }

    /// Decimal digits only, at most 18 of them; nil otherwise.
    static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard !bytes.isEmpty, bytes.count <= 18 else { return nil }
        var value = 0
        for byte in bytes {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        return value
    }

    /// Calls `body` with each non-empty element of a comma-separated list, without surrounding white space.
    static func forEachListElement(_ bytes: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void) {
        var start = 0
        while start <= bytes.count {
            var end = start
            while end < bytes.count, bytes[end] != 0x2C { end += 1 }
            var first = start
            var last = end
            while first < last, bytes[first] == 0x20 || bytes[first] == 0x09 { first += 1 }
            while last > first, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
            if first < last { body(UnsafeRawBufferPointer(rebasing: bytes[first..<last])) }
            start = end + 1
        }
    }
}
