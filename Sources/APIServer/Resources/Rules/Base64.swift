import KubeModel

/// Standard base64 with padding (RFC 4648 section 4), as JSON carries bytes.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8: UInt8] = Dictionary(
        uniqueKeysWithValues: alphabet.enumerated().map { ($0.element, UInt8($0.offset)) })

    static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = bytes[...]
        while !rest.isEmpty {
            let group = Array(rest.prefix(3))
            rest = rest.dropFirst(3)
            let word =
                UInt32(group[0]) << 16 | UInt32(group.count > 1 ? group[1] : 0) << 8
                | UInt32(group.count > 2 ? group[2] : 0)
            for position in 0..<4 {
                let isPadding = position > group.count
                let index = Int(word >> UInt32(18 - 6 * position) & 63)
                text.append(isPadding ? UInt8(ascii: "=") : alphabet[index])
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// - Returns: the bytes, or nil with the position of the first byte that does not fit. Line breaks are skipped, as
    ///   Go's decoder does.
    static func decode(_ text: String) -> (bytes: [UInt8]?, position: Int) {
        var result: [UInt8] = []
        result.reserveCapacity(text.utf8.count / 4 * 3)
        var word: UInt32 = 0
        var digits = 0
        var padding = 0
        for (position, byte) in text.utf8.enumerated() {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") { continue }
            if byte == UInt8(ascii: "=") {
                padding += 1
                guard digits >= 2, digits + padding <= 4 else { return (nil, position) }
                continue
            }
            guard padding == 0, let value = values[byte] else { return (nil, position) }
            word = word << 6 | UInt32(value)
            digits += 1
            guard digits == 4 else { continue }
            result.append(UInt8(word >> 16 & 255))
            result.append(UInt8(word >> 8 & 255))
            result.append(UInt8(word & 255))
            word = 0
            digits = 0
        }
        switch (digits, padding) {
        case (0, 0): break
        case (2, 2): result.append(UInt8(word >> 4 & 255))
        case (3, 1):
            result.append(UInt8(word >> 10 & 255))
            result.append(UInt8(word >> 2 & 255))
        default: return (nil, text.utf8.count)
        }
        return (result, 0)
    }

    /// Checks one value of a bytes field.
    /// - Returns: how many bytes it stands for.
    static func check(_ value: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) -> Int {
        let decoded = decode(value.string ?? "")
        if decoded.bytes == nil {
            errors.invalid(path, "<contents redacted>", "illegal base64 data at input byte \(decoded.position)")
        }
        return decoded.bytes?.count ?? 0
    }
}
