import APIResources

/// Fields of proto3, which leaves defaults out: nothing is written for what is absent, empty, false or zero.
extension ProtobufWriter {
    mutating func write(_ value: String?, field: Int) {
        if let value, !value.isEmpty { text(value, UInt64(field)) }
    }

    mutating func write(_ flag: Bool?, field: Int) {
        if flag == true { integer(1, UInt64(field)) }
    }

    mutating func write(_ number: Int?, field: Int) {
        if let number, number != 0 { integer(Int64(number), UInt64(field)) }
    }

    mutating func write(_ number: Double?, field: Int) {
        if let number, number != 0 { double(number, UInt64(field)) }
    }

    /// A string field made of bytes that are UTF-8.
    mutating func write(utf8 text: [UInt8], field: Int) {
        bytes(text, UInt64(field))
    }

    /// An embedded message, present even when empty.
    mutating func message(field: Int, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        bytes(inner.buffer, UInt64(field))
    }
}
