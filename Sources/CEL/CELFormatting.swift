import KubeModel

/// `format()`: `%s`, `%d`, `%f`, `%e`, `%b`, `%o`, `%x` and `%X`, with a precision for numbers with a fraction.
enum CELFormatting {
    static func format(_ pattern: String, _ arguments: CELValue) throws(CELFailure) -> String {
        guard let values = try arguments.elements() else { throw .noSuchOverload }
        var result = ""
        var rest = Substring(pattern)
        var used = 0
        while let character = rest.popFirst() {
            guard character == "%" else {
                result.append(character)
                continue
            }
            if rest.first == "%" {
                rest.removeFirst()
                result.append("%")
                continue
            }
            var precision: Int?
            if rest.first == "." {
                rest.removeFirst()
                let digits = rest.prefix { $0.isASCII && $0.isNumber }
                rest = rest[digits.endIndex...]
                guard let value = Int(digits), value <= 100 else {
                    throw .failed("error during formatting: bad precision")
                }
                precision = value
            }
            guard let clause = rest.popFirst() else {
                throw .failed("error during formatting: unexpected end of format string")
            }
            guard used < values.count else {
                throw .failed("error during formatting: index \(used) out of range")
            }
            result += try text(values[used], clause, precision)
            used += 1
        }
        return result
    }

    private static func text(_ value: CELValue, _ clause: Character, _ precision: Int?) throws(CELFailure) -> String {
        switch clause {
        case "s": return try plain(value, depth: 0)
        case "d":
            switch value {
            case .int(let number): return "\(number)"
            case .uint(let number): return "\(number)"
            default: break
            }
        case "f", "e":
            let number: Double
            switch value {
            case .double(let value): number = value
            case .int(let value): number = Double(value)
            case .uint(let value): number = Double(value)
            default: throw wrong(clause, value)
            }
            return clause == "f" ? fixed(number, precision ?? 6) : scientific(number, precision ?? 6)
        case "b", "o":
            let radix = clause == "b" ? 2 : 8
            switch value {
            case .bool(let flag) where clause == "b": return flag ? "1" : "0"
            case .int(let number): return String(number, radix: radix)
            case .uint(let number): return String(number, radix: radix)
            default: break
            }
        case "x", "X":
            let isUpper = clause == "X"
            switch value {
            case .int(let number): return String(number, radix: 16, uppercase: isUpper)
            case .uint(let number): return String(number, radix: 16, uppercase: isUpper)
            case .string(let text): return hexadecimal(Array(text.utf8), isUpper)
            case .bytes(let bytes): return hexadecimal(bytes, isUpper)
            default: break
            }
        default: throw .failed("error during formatting: unrecognized formatting clause \"\(clause)\"")
        }
        throw wrong(clause, value)
    }

    private static func wrong(_ clause: Character, _ value: CELValue) -> CELFailure {
        .failed("error during formatting: %\(clause) can't be used on \(value.typeName)")
    }

    private static func hexadecimal(_ bytes: [UInt8], _ isUpper: Bool) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: isUpper) }.joined()
    }

    private static func plain(_ value: CELValue, depth: Int) throws(CELFailure) -> String {
        guard depth < 100 else { throw .failed("value nests too deeply") }
        if case .null = value { return "null" }
        if case .bytes(let bytes) = value { return String(decoding: bytes, as: UTF8.self) }
        if let text = value.plainText { return text }
        if let elements = try value.elements() {
            var parts: [String] = []
            for element in elements { parts.append(try plain(element, depth: depth + 1)) }
            return "[\(parts.joined(separator: ", "))]"
        }
        guard value.mapCount != nil else { throw wrong("s", value) }
        var parts: [String] = []
        for (key, member) in try value.members() {
            parts.append("\(try plain(key, depth: depth + 1)): \(try plain(member, depth: depth + 1))")
        }
        return "{\(parts.sorted().joined(separator: ", "))}"
    }

    static func fixed(_ number: Double, _ precision: Int) -> String {
        guard number.isFinite else { return CELNumbers.text(of: number) }
        return exact(abs(number), precision, sign: number.sign == .minus)
    }

    /// The digits of a double are exact in binary: long arithmetic gives them all.
    private static func exact(_ number: Double, _ precision: Int, sign: Bool) -> String {
        var whole = number.rounded(.down)
        var fraction = number - whole
        var digits: [UInt8] = []
        for _ in 0..<precision {
            fraction *= 10
            let digit = fraction.rounded(.down)
            digits.append(UInt8(digit))
            fraction -= digit
        }
        let isOdd = digits.last.map { $0 % 2 == 1 } ?? (whole.truncatingRemainder(dividingBy: 2) == 1)
        if fraction > 0.5 || (fraction == 0.5 && isOdd) {
            var place = digits.count - 1
            while place >= 0, digits[place] == 9 {
                digits[place] = 0
                place -= 1
            }
            if place >= 0 { digits[place] += 1 } else { whole += 1 }
        }
        let integer = whole < 0x1p126 ? "\(Int128(whole))" : "\(whole)"
        let tail = digits.isEmpty ? "" : "." + digits.map(String.init).joined()
        return (sign ? "-" : "") + integer + tail
    }

    private static func scientific(_ number: Double, _ precision: Int) -> String {
        guard number.isFinite else { return CELNumbers.text(of: number) }
        var exponent = 0
        var mantissa = abs(number)
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa > 0, mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        let text = exact(mantissa, precision, sign: number.sign == .minus)
        let digits = String(abs(exponent))
        return "\(text)e\(exponent < 0 ? "-" : "+")\(digits.count < 2 ? "0" : "")\(digits)"
    }
}
