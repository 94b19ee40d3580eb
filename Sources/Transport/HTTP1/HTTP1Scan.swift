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

    /// The first byte at or after `start` that may not stand in a field value (RFC 9110, 5.5): a control character
    /// other than HTAB. `buffer.count` if there is none. 16 bytes a step.
    @inline(__always)
    static func endOfFieldValue(_ buffer: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index + 16 <= buffer.count {
            let bytes = buffer.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let stops = (bytes .< 0x20 .& bytes .!= 0x09) .| bytes .== 0x7F
            let lane = firstLane(stops)
            if lane < 16 { return index + lane }
            index += 16
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
        while index + 16 <= buffer.count {
            let bytes = buffer.loadUnaligned(fromByteOffset: index, as: SIMD16<UInt8>.self)
            let stops = bytes .<= 0x20 .| bytes .== 0x7F
            let lane = firstLane(stops)
            if lane < 16 { return index + lane }
            index += 16
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
        while index < buffer.count, isToken(buffer[index]) { index += 1 }
        return index
    }

    /// The index of the first set lane, 16 if none: the mask seen as two words, one byte a lane.
    @inline(__always)
    private static func firstLane(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words[0] != 0 { return words[0].trailingZeroBitCount >> 3 }
        if words[1] != 0 { return 8 + words[1].trailingZeroBitCount >> 3 }
        return 16
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
