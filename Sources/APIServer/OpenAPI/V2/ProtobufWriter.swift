/// Writes protocol buffer messages field by field (https://protobuf.dev/programming-guides/encoding/).
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    /// A string field; nothing when the text is absent or empty, as proto3 leaves defaults out.
    mutating func write(_ text: String?, field: Int) {
        guard let text, !text.isEmpty else { return }
        tag(field, wireType: 2)
        varint(UInt64(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }

    /// A string field made of bytes that are UTF-8.
    mutating func write(utf8 text: [UInt8], field: Int) {
        tag(field, wireType: 2)
        varint(UInt64(text.count))
        bytes.append(contentsOf: text)
    }

    mutating func write(_ flag: Bool?, field: Int) {
        guard flag == true else { return }
        tag(field, wireType: 0)
        bytes.append(1)
    }

    mutating func write(_ number: Int?, field: Int) {
        guard let number, number != 0 else { return }
        tag(field, wireType: 0)
        varint(UInt64(bitPattern: Int64(number)))
    }

    mutating func write(_ number: Double?, field: Int) {
        guard let number, number != 0 else { return }
        tag(field, wireType: 1)
        withUnsafeBytes(of: number.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// An embedded message, present even when empty.
    mutating func message(field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        write(utf8: inner.bytes, field: field)
    }

    private mutating func tag(_ field: Int, wireType: UInt64) {
        varint(UInt64(field) << 3 | wireType)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
