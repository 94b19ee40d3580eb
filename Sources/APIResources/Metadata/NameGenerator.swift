/// Names for `generateName` and unique identifiers, from the system's random source.
package enum NameGenerator {
    /// `base` shortened to 58 bytes plus five characters out of which no words are made, as Kubernetes does.
    package static func name(from base: String) -> String {
        var base = base
        while base.utf8.count > 58 { base.removeLast() }
        var random = SystemRandomNumberGenerator()
        var bits = random.next()
        for _ in 0..<5 {
            base.unicodeScalars.append(Unicode.Scalar(alphabet[Int(bits % UInt64(alphabet.count))]))
            bits /= UInt64(alphabet.count)
        }
        return base
    }

    /// A random UUID, RFC 9562 version 4.
    package static func uid() -> String {
        var random = SystemRandomNumberGenerator()
        return uuid(high: random.next(), low: random.next())
    }

    /// A UUID of version 4 out of 128 bits, of which 122 count.
    package static func uuid(high: UInt64, low: UInt64) -> String {
        var high = high
        var low = low
        high = high & 0xffff_ffff_ffff_0fff | 0x4000
        low = low & 0x3fff_ffff_ffff_ffff | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for digit in 0..<32 {
                if digit == 8 || digit == 12 || digit == 16 || digit == 20 {
                    buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                let word = digit < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: word >> UInt64(60 - (digit & 15) * 4)) & 15
                buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                position += 1
            }
            return 36
        }
    }

    private static let alphabet = Array("bcdfghjklmnpqrstvwxz2456789".utf8)
}
