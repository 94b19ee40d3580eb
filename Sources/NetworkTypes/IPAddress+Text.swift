extension IPAddress: LosslessStringConvertible {
    /// Reads an address strictly, as Go's `netip.ParseAddr` without zones: four decimal fields without leading zeros,
    /// or RFC 4291 text with at most one `::` and, if wanted, a dotted IPv4 tail.
    public init?(_ text: some StringProtocol) {
        var copy = String(text)
        guard let address = copy.withUTF8({ IPAddress.parse($0[...]) }) else { return nil }
        self = address
    }

    /// As the generic initialiser; spelled out for `LosslessStringConvertible`.
    public init?(_ description: String) {
        var copy = description
        guard let address = copy.withUTF8({ IPAddress.parse($0[...]) }) else { return nil }
        self = address
    }

    /// Reads an address from ASCII bytes, by the rules of `init(_:)`.
    public init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        guard let address = IPAddress.parse(bytes[...]) else { return nil }
        self = address
    }

    static func parse(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> IPAddress? {
        for byte in text.prefix(5) {
            if byte == UInt8(ascii: ".") { return parseV4(text).map { IPAddress(v4: $0) } }
            if byte == UInt8(ascii: ":") { return parseV6(text) }
        }
        return nil
    }

    private static func parseV4(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> UInt32? {
        guard text.count <= 15 else { return nil }
        var result: UInt32 = 0
        var fields = 0
        var value: UInt32 = 0
        var digits = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, fields < 3 else { return nil }
                result = result << 8 | value
                fields += 1
                value = 0
                digits = 0
                continue
            }
            let digit = byte &- UInt8(ascii: "0")
            guard digit <= 9, digits == 0 || value != 0 else { return nil }
            value = value * 10 + UInt32(digit)
            digits += 1
            guard value <= 255 else { return nil }
        }
        guard fields == 3, digits > 0 else { return nil }
        return result << 8 | value
    }

    private static func parseV6(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> IPAddress? {
        guard text.count <= 45 else { return nil }
        var groups = InlineArray<8, UInt16>(repeating: 0)
        var count = 0
        var ellipsis: Int?
        var index = text.startIndex
        let end = text.endIndex
        let colon = UInt8(ascii: ":")

        if text.count >= 2, text[index] == colon {
            guard text[index + 1] == colon else { return nil }
            ellipsis = 0
            index += 2
        }
        while index < end {
            guard count < 8 else { return nil }
            let start = index
            var value: UInt32 = 0
            while index < end, let digit = hexDigit(text[index]) {
                guard index - start < 4 else { return nil }
                value = value << 4 | UInt32(digit)
                index += 1
            }
            if index < end, text[index] == UInt8(ascii: ".") {
                guard count <= 6, let tail = parseV4(text[start..<end]) else { return nil }
                groups[count] = UInt16(truncatingIfNeeded: tail >> 16)
                groups[count + 1] = UInt16(truncatingIfNeeded: tail)
                count += 2
                index = end
                break
            }
            guard index > start else { return nil }
            groups[count] = UInt16(value)
            count += 1
            guard index < end else { break }
            guard text[index] == colon else { return nil }
            index += 1
            guard index < end else { return nil }
            if text[index] == colon {
                guard ellipsis == nil else { return nil }
                ellipsis = count
                index += 1
            }
        }

        if let ellipsis {
            guard count < 8 else { return nil }
            let gap = 8 - count
            for position in stride(from: count - 1, through: ellipsis, by: -1) {
                groups[position + gap] = groups[position]
            }
            for position in ellipsis..<(ellipsis + gap) { groups[position] = 0 }
        } else {
            guard count == 8 else { return nil }
        }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for position in 0..<4 { high = high << 16 | UInt64(groups[position]) }
        for position in 4..<8 { low = low << 16 | UInt64(groups[position]) }
        return IPAddress(v6High: high, low: low)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The canonical text of RFC 5952; IPv4-mapped addresses end in dotted form (section 5).
    public var description: String {
        if let v4 { return IPAddress.dotted(v4) }
        if let mapped = mappedV4?.v4 { return "::ffff:" + IPAddress.dotted(mapped) }
        var groups = InlineArray<8, UInt16>(repeating: 0)
        for position in 0..<4 {
            groups[position] = UInt16(truncatingIfNeeded: high >> UInt64(48 - 16 * position))
            groups[position + 4] = UInt16(truncatingIfNeeded: low >> UInt64(48 - 16 * position))
        }
        // The longest run of at least two zero groups becomes "::", the first one of equals (section 4.2.3).
        var best = 0..<0
        var position = 0
        while position < 8 {
            var end = position
            while end < 8, groups[end] == 0 { end += 1 }
            if end - position >= 2, end - position > best.count { best = position..<end }
            position = max(end, position + 1)
        }
        var text = ""
        position = 0
        while position < 8 {
            if position == best.lowerBound, !best.isEmpty {
                text += "::"
                position = best.upperBound
                continue
            }
            if position > 0, !text.hasSuffix(":") { text += ":" }
            text += String(groups[position], radix: 16)
            position += 1
        }
        return text
    }

    private static func dotted(_ v4: UInt32) -> String {
        "\(v4 >> 24).\(v4 >> 16 & 255).\(v4 >> 8 & 255).\(v4 & 255)"
    }
}
