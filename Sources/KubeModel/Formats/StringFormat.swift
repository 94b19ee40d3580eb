import NetworkTypes

/// The formats that Kubernetes checks: those of go-openapi/strfmt that structural schemas may name.
package enum StringFormat {
    /// Unknown formats match.
    package static func matches(_ format: String, _ text: String) -> Bool {
        switch format {
        case "date-time", "datetime": MicroTime(text) != nil
        case "date": text.utf8.count == 10 && Timestamp(text + "T00:00:00Z") != nil
        case "byte": isBase64(text)
        case "duration": GoDuration.parse(text) != nil
        case "ipv4": IPAddress(text)?.family == .v4
        case "ipv6": IPAddress(text)?.family == .v6
        case "cidr": CIDR(text) != nil
        case "uri": GoURL(text) != nil
        case "hostname": isHostname(text)
        case "email": email?.matches(text) ?? false
        case "mac": mac?.matches(text) ?? false
        case "uuid": isUUID(text, version: nil)
        case "uuid3": isUUID(text, version: "3")
        case "uuid4": isUUID(text, version: "4") && "89abAB".contains(Array(text)[19])
        case "uuid5": isUUID(text, version: "5") && "89abAB".contains(Array(text)[19])
        case "bsonobjectid": text.utf8.count == 24 && text.utf8.allSatisfy(isHexadecimal)
        case "hexcolor": hexColor?.matches(text) ?? false
        case "rgbcolor": rgbColor?.matches(text) ?? false
        case "ssn": socialSecurity?.matches(text) ?? false
        case "isbn10": isISBN10(text)
        case "isbn13": isISBN13(text)
        case "isbn": isISBN10(text) || isISBN13(text)
        case "creditcard": isCardNumber(text)
        default: true
        }
    }

    /// Standard base64 with padding; line breaks are skipped, as in Go.
    package static func isBase64(_ text: String) -> Bool {
        var digits = 0
        var padding = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "/"):
                guard padding == 0 else { return false }
                digits += 1
            case UInt8(ascii: "="): padding += 1
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"): continue
            default: return false
            }
        }
        return (digits + padding) % 4 == 0 && padding <= 2
    }

    /// With hyphens, and of a version if one is given.
    package static func isUUID(_ text: String, version: Character?) -> Bool {
        let characters = Array(text)
        guard characters.count == 36, text.utf8.count == 36 else { return false }
        for (place, byte) in text.utf8.enumerated() {
            switch place {
            case 8, 13, 18, 23: if byte != UInt8(ascii: "-") { return false }
            default: if !isHexadecimal(byte) { return false }
            }
        }
        return version == nil || characters[14] == version
    }

    static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
            || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }

    private static func isHostname(_ text: String) -> Bool {
        guard text.utf8.count <= 255, !text.isEmpty else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last, label.count <= 63 else { return false }
            return first != "-" && last != "-" && label.allSatisfy { $0.isLetter || $0.isNumber || $0 == "-" }
        }
    }

    // Patterns of our own always compile; without one nothing would match.
    private static let email = try? TextPattern(#"^[^\s@<>(),;:"\[\]\\]+@[^\s@<>(),;:"\[\]\\]+$"#)
    private static let mac = try? TextPattern(
        "^([0-9A-Fa-f]{2}[:-]){5}([0-9A-Fa-f]{2}|([0-9A-Fa-f]{2}[:-]){2}[0-9A-Fa-f]{2})$")
    private static let hexColor = try? TextPattern("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")
    private static let rgbColor = try? TextPattern(
        #"^rgb\(\s*((25[0-5]|2[0-4]\d|1?\d?\d)\s*,\s*){2}(25[0-5]|2[0-4]\d|1?\d?\d)\s*\)$"#)
    private static let socialSecurity = try? TextPattern(#"^\d{3}[- ]?\d{2}[- ]?\d{4}$"#)

    private static func digits(_ text: String) -> [Int]? {
        let kept = text.filter { $0 != "-" && $0 != " " }
        let digits = kept.compactMap { $0.isASCII ? $0.wholeNumberValue : nil }
        return digits.count == kept.count ? digits : nil
    }

    private static func isISBN10(_ text: String) -> Bool {
        var kept = text.filter { $0 != "-" && $0 != " " }
        var check: Int?
        if kept.last == "X" || kept.last == "x" {
            kept.removeLast()
            check = 10
        }
        guard var digits = digits(kept) else { return false }
        if let check { digits.append(check) }
        guard digits.count == 10 else { return false }
        return digits.enumerated().reduce(0) { $0 + ($1.offset + 1) * $1.element } % 11 == 0
    }

    private static func isISBN13(_ text: String) -> Bool {
        guard let digits = digits(text), digits.count == 13 else { return false }
        return digits.enumerated().reduce(0) { $0 + ($1.offset % 2 == 0 ? 1 : 3) * $1.element } % 10 == 0
    }

    /// By the checksum of ISO/IEC 7812.
    private static func isCardNumber(_ text: String) -> Bool {
        guard let digits = digits(text), (12...19).contains(digits.count) else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, digit in
            let value = digit.offset % 2 == 0 ? digit.element : digit.element * 2
            return sum + (value > 9 ? value - 9 : value)
        }
        return sum % 10 == 0
    }
}
