/// The bytes of a message that is being written (protobuf encoding guide). Zero values are written: a pointer's zero is not
/// nothing.
package struct ProtobufWriter {
    package private(set) var buffer: [UInt8] = []

    package init() {}

    package mutating func text(_ text: String, _ number: UInt64) {
        varint(number << 3 | 2)
        varint(UInt64(text.utf8.count))
        buffer.append(contentsOf: text.utf8)
    }

    package mutating func bytes(_ bytes: [UInt8], _ number: UInt64) {
        head(of: bytes.count, number)
        buffer.append(contentsOf: bytes)
    }

    /// Tag and length of bytes that follow elsewhere.
    package mutating func head(of count: Int, _ number: UInt64) {
        varint(number << 3 | 2)
        varint(UInt64(count))
    }

    /// A message whose only field, the first, is these bytes.
    package mutating func wrapped(_ bytes: [UInt8], _ number: UInt64) {
        var inner = ProtobufWriter()
        inner.bytes(bytes, 1)
        self.bytes(inner.buffer, number)
    }

    package mutating func integer(_ value: Int64, _ number: UInt64) {
        varint(number << 3)
        varint(UInt64(bitPattern: value))
    }

    package mutating func double(_ value: Double, _ number: UInt64) {
        varint(number << 3 | 1)
        withUnsafeBytes(of: value.bitPattern.littleEndian) { buffer.append(contentsOf: $0) }
    }

    package mutating func time(_ seconds: Int64, _ nanoseconds: Int64, _ number: UInt64) {
        var inner = ProtobufWriter()
        inner.integer(seconds, 1)
        inner.integer(nanoseconds, 2)
        bytes(inner.buffer, number)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            buffer.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        buffer.append(UInt8(rest))
    }
}
