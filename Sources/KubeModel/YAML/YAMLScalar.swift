/// What a scalar means (YAML 1.1 types as Go's `yaml.v2` resolves them).
enum YAMLScalar {
    struct Problem: Error {
        let message: String
    }

    private static let prefix = "tag:yaml.org,2002:"

    static func resolve(_ text: String, isPlain: Bool, tag: String?) throws(Problem) -> JSONValue {
        guard let tag else { return isPlain ? try plain(text) : .string(text) }
        switch tag {
        case "!", prefix + "str": return .string(text)
        case prefix + "binary":
            guard let bytes = base64(text), let decoded = String(validating: bytes, as: UTF8.self) else {
                throw Problem(message: "!!binary value contains invalid base64 data")
            }
            return .string(decoded)
        case prefix + "null", prefix + "bool", prefix + "int", prefix + "float":
            let value = try plain(text)
            let name = tag.dropFirst(prefix.count)
            switch (name, value) {
            case ("null", .null), ("bool", .bool), ("int", .integer), ("float", .number), ("float", .integer):
                return value
            default: throw Problem(message: "cannot decode \(goQuoted(text)) as a !!\(name)")
            }
        default:
            return isPlain ? try plain(text) : .string(text)
        }
    }

    static func plain(_ text: String) throws(Problem) -> JSONValue {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON": return .bool(true)
        case "false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF":
            throw Problem(message: "\(text) cannot be kept as JSON")
        default: break
        }
        guard let first = text.utf8.first, first <= UInt8(ascii: "9"), first >= UInt8(ascii: "+"),
            first != UInt8(ascii: ","), first != UInt8(ascii: "/")
        else { return .string(text) }
        let digits = String(text.filter { $0 != "_" })
        if let value = try integer(digits) { return .integer(value) }
        guard isFloat(digits.utf8) else { return .string(text) }
        guard let value = Double(digits.hasPrefix(".") ? "0" + digits : digits), value.isFinite else {
            throw Problem(message: "\(text) does not fit a double")
        }
        // On its way through JSON, which Kubernetes takes, a whole number loses its point.
        return Int64(exactly: value).map { .integer($0) } ?? .number(value)
    }

    /// Decimal, `0x`, `0b`, `0o` or a leading 0 for octal, as Go's `strconv.ParseInt` with base 0.
    private static func integer(_ text: String) throws(Problem) -> Int64? {
        let isSigned = text.hasPrefix("+") || text.hasPrefix("-")
        var body = text.dropFirst(isSigned ? 1 : 0)
        var radix = 10
        if body.utf8.count > 1, body.hasPrefix("0") {
            switch body.utf8.dropFirst().first {
            case UInt8(ascii: "x"), UInt8(ascii: "X"): (radix, body) = (16, body.dropFirst(2))
            case UInt8(ascii: "b"), UInt8(ascii: "B"): (radix, body) = (2, body.dropFirst(2))
            case UInt8(ascii: "o"), UInt8(ascii: "O"): (radix, body) = (8, body.dropFirst(2))
            default: (radix, body) = (8, body.dropFirst())
            }
        }
        guard let first = body.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        if let value = Int64((text.hasPrefix("-") ? "-" : "") + body, radix: radix) { return value }
        guard radix == 10, body.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            return nil
        }
        throw Problem(message: "integer \(text) does not fit 64 bits")
    }

    /// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
    private static func isFloat(_ text: String.UTF8View) -> Bool {
        var rest = text[...]
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func isSign(_ byte: UInt8?) -> Bool { byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") }
        if isSign(rest.first) { rest.removeFirst() }
        let whole = rest.prefix(while: isDigit).count
        rest = rest.dropFirst(whole)
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            let fraction = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(fraction)
            guard whole + fraction > 0 else { return false }
        } else if whole == 0 {
            return false
        }
        guard let marker = rest.first else { return true }
        guard marker | 0x20 == UInt8(ascii: "e") else { return false }
        rest.removeFirst()
        if isSign(rest.first) { rest.removeFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    /// Standard base64 (RFC 4648, 4); white space is skipped.
    private static func base64(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): digit = byte - UInt8(ascii: "A")
            case UInt8(ascii: "a")...UInt8(ascii: "z"): digit = byte - UInt8(ascii: "a") + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0") + 52
            case UInt8(ascii: "+"): digit = 62
            case UInt8(ascii: "/"): digit = 63
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): continue
            case UInt8(ascii: "="):
                padding += 1
                continue
            default: return nil
            }
            guard padding == 0 else { return nil }
            count += 1
            buffer = buffer << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        return (count + padding) % 4 == 0 && padding <= 2 ? result : nil
    }
}
