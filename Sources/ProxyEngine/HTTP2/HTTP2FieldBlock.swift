internal import CNGHTTP2

/// A list of fields for nghttp2, which copies them. Used again for the next one, without allocating.
struct HTTP2FieldBlock {
    private var fields: [nghttp2_nv] = []
    private let status: UnsafeMutablePointer<UInt8>

    init() { status = .allocate(capacity: 3) }

    func deallocate() { status.deallocate() }

    mutating func removeAll() { fields.removeAll(keepingCapacity: true) }

    /// Adds a field whose bytes stay where they are until the block is submitted. The name is made lower case there
    /// (RFC 9113 section 8.2.1).
    mutating func add(
        _ name: UnsafeMutablePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
    ) {
        for index in 0..<nameCount where name[index] &- 0x41 < 26 { name[index] |= 0x20 }
        append(name, nameCount, value, valueCount)
    }

    /// - Parameter name: in lower case.
    mutating func add(_ name: StaticString, _ value: UnsafePointer<UInt8>, _ valueCount: Int) {
        append(name.utf8Start, name.utf8CodeUnitCount, value, valueCount)
    }

    mutating func add(_ name: StaticString, _ value: StaticString) {
        append(name.utf8Start, name.utf8CodeUnitCount, value.utf8Start, value.utf8CodeUnitCount)
    }

    mutating func add(status code: Int) {
        status[0] = UInt8(0x30 + code / 100 % 10)
        status[1] = UInt8(0x30 + code / 10 % 10)
        status[2] = UInt8(0x30 + code % 10)
        add(":status", status, 3)
    }

    /// Adds the lines of a text as ``HTTP2FieldText`` writes it.
    mutating func add(lines: UnsafeMutablePointer<UInt8>, _ count: Int) {
        var start = 0
        while start < count {
            var colon = start
            while colon < count, lines[colon] != 0x3A { colon += 1 }
            var end = colon
            while end < count, lines[end] != 0x0D { end += 1 }
            let value = min(colon + 2, end)
            if colon > start { add(lines + start, colon - start, lines + value, end - value) }
            start = end + 2
        }
    }

    private mutating func append(
        _ name: UnsafePointer<UInt8>, _ nameCount: Int, _ value: UnsafePointer<UInt8>, _ valueCount: Int
    ) {
        // nghttp2 only reads them.
        fields.append(
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name), value: UnsafeMutablePointer(mutating: value),
                namelen: nameCount, valuelen: valueCount, flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
    }

    /// Lends the fields, in order.
    func withFields<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        fields.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
    }
}
