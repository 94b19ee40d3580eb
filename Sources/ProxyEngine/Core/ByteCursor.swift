internal import Glibc

/// Writes bytes one after the other. The caller has made sure of the room: every use is bounded by a sum computed
/// beforehand.
struct ByteCursor {
    private(set) var position: UnsafeMutablePointer<UInt8>

    init(_ position: UnsafeMutablePointer<UInt8>) { self.position = position }

    @inline(__always)
    mutating func put(_ text: StaticString) {
        memcpy(position, text.utf8Start, text.utf8CodeUnitCount)
        position += text.utf8CodeUnitCount
    }

    @inline(__always)
    mutating func put(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        memcpy(position, bytes, count)
        position += count
    }

    @inline(__always)
    mutating func put(_ byte: UInt8) {
        position.pointee = byte
        position += 1
    }

    mutating func put(decimal value: Int) {
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var count = 0
        var rest = value
        repeat {
            digits[count] = UInt8(0x30 + rest % 10)
            rest /= 10
            count += 1
        } while rest > 0
        while count > 0 {
            count -= 1
            put(digits[count])
        }
    }

    /// 16 hexadecimal digits.
    @inline(__always)
    mutating func put(hex value: UInt64) {
        for index in 0..<8 {
            let byte = UInt8(truncatingIfNeeded: value >> UInt64(56 - 8 * index))
            position[2 * index] = Self.hexDigit(byte >> 4)
            position[2 * index + 1] = Self.hexDigit(byte & 15)
        }
        position += 16
    }

    @inline(__always)
    static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
