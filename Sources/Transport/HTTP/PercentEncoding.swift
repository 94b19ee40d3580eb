/// Percent-encoding of URLs (RFC 3986, 2.1) and of `application/x-www-form-urlencoded` queries.
package enum PercentEncoding {
    /// Decodes `%XX`; with `plusIsSpace` also `+`. nil for a malformed escape or bytes that are not UTF-8.
    package static func decode(_ text: some StringProtocol, plusIsSpace: Bool = false) -> String? {
        let source = text.utf8
        guard mayHaveEscapes(source, plusIsSpace) else { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(source.count)
        var iterator = source.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case 0x25:
                guard let high = iterator.next().flatMap(hexValue), let low = iterator.next().flatMap(hexValue) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case 0x2B where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func mayHaveEscapes(_ source: some Collection<UInt8>, _ plusIsSpace: Bool) -> Bool {
        source.withContiguousStorageIfAvailable { bytes in
            for byte in bytes where byte == 0x25 || (byte == 0x2B && plusIsSpace) { return true }
            return false
        } ?? true
    }

    /// Encodes everything but RFC 3986's unreserved characters.
    package static func encode(_ text: some StringProtocol) -> String {
        let digits: StaticString = "0123456789ABCDEF"
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: bytes.append(byte)
            default:
                bytes.append(0x25)
                bytes.append(digits.utf8Start[Int(byte >> 4)])
                bytes.append(digits.utf8Start[Int(byte & 15)])
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The name-value pairs of a query, decoded, in order. nil if any escape is malformed.
    package static func queryItems(_ query: some StringProtocol) -> [(name: String, value: String)]? {
        var text = String(query)
        return text.withUTF8(queryItems)
    }

    private static func queryItems(_ query: UnsafeBufferPointer<UInt8>) -> [(name: String, value: String)]? {
        var items: [(name: String, value: String)] = []
        var start = 0
        while start < query.count {
            var end = start
            var equals: Int?
            while end < query.count, query[end] != UInt8(ascii: "&") {
                if equals == nil, query[end] == UInt8(ascii: "=") { equals = end }
                end += 1
            }
            if end > start {
                guard let name = decodeForm(query[start..<(equals ?? end)]),
                    let value = decodeForm(query[(equals.map { $0 + 1 } ?? end)..<end])
                else { return nil }
                items.append((name, value))
            }
            start = end + 1
        }
        return items
    }

    private static func decodeForm(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> String? {
        let text = String(decoding: UnsafeBufferPointer(rebasing: bytes), as: UTF8.self)
        return decode(text, plusIsSpace: true)
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
