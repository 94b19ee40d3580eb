/// The keyed hash of every table here: eight bytes a step, folded by a multiplication to 128 bits. Not for secrets (those have
/// ``SipHash``); with a random seed nobody outside can choose names or networks that collide.
package enum KeyedHash {
    package static func hash(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
        var state = seed ^ 0x9e37_79b9_7f4a_7c15
        var index = 0
        let raw = bytes.bytes
        while index + 8 <= bytes.count {
            state = fold(
                state ^ raw.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self), 0xa076_1d64_78bd_642f)
            index += 8
        }
        var tail = UInt64(truncatingIfNeeded: bytes.count) << 56
        var shift: UInt64 = 0
        while index < bytes.count {
            tail |= UInt64(bytes[index]) << shift
            shift += 8
            index += 1
        }
        return fold(fold(state ^ tail, 0xe703_7ed1_a0b4_28db), seed | 1)
    }

    package static func hash(_ name: DomainName, seed: UInt64) -> UInt64 { hash(name.wire.span, seed: seed) }

    package static func hash(_ number: UInt64, seed: UInt64) -> UInt64 {
        fold(fold(number ^ seed ^ 0x9e37_79b9_7f4a_7c15, 0xa076_1d64_78bd_642f), seed | 1)
    }

    private static func fold(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = a.multipliedFullWidth(by: b)
        return high ^ low
    }
}
