extension JSONValue {
    /// The compact JSON text in UTF-8, keys in the objects' own order, written as Go's `encoding/json` without HTML
    /// escapes.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.append(self)
        return writer.bytes()
    }

    /// Appends the compact JSON text.
    public func encode(into output: inout [UInt8]) {
        switch self {
        case .array, .object:
            var writer = JSONWriter()
            writer.append(self)
            writer.append(to: &output)
        case .string(let value): JSONText.append(value, to: &output)
        case .null, .bool, .integer, .number: encodeScalar(into: &output)
        }
    }

    /// As `encode(into:)`, for what is neither text nor a container.
    func encodeScalar(into output: inout [UInt8]) {
        switch self {
        case .array, .object, .string: preconditionFailure("written elsewhere")
        case .null: appendASCII("null", to: &output)
        case .bool(true): appendASCII("true", to: &output)
        case .bool(false): appendASCII("false", to: &output)
        case .integer(let value): appendDecimal(value, to: &output)
        case .number(let value):
            // -0 keeps its sign; other whole numbers are written as the integers that they read back as.
            if value != 0, let integer = Int64(exactly: value) {
                appendDecimal(integer, to: &output)
            } else {
                appendASCII(goFormatted(value), to: &output)
            }
        }
    }
}

extension JSONObject {
    /// Appends the compact JSON text.
    public func encode(into output: inout [UInt8]) {
        var writer = JSONWriter()
        writer.append(self)
        writer.append(to: &output)
    }

    /// The compact JSON text in UTF-8.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.append(self)
        return writer.bytes()
    }
}

/// Writing single JSON strings, for code that assembles JSON from parts.
public enum JSONText {
    /// Appends the string with quotes and escapes.
    public static func append(_ text: String, to output: inout [UInt8]) {
        var copy = text
        copy.withUTF8 { append(utf8: $0, to: &output) }
    }

    /// Appends valid UTF-8 with quotes and escapes.
    public static func append(utf8 bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        appendContents(utf8: bytes, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// Appends what stands between the quotes.
    public static func appendContents(of text: String, to output: inout [UInt8]) {
        var copy = text
        copy.withUTF8 { appendContents(utf8: $0, to: &output) }
    }

    private static func appendContents(utf8 bytes: UnsafeBufferPointer<UInt8>, to output: inout [UInt8]) {
        guard let base = bytes.baseAddress else { return }
        let raw = UnsafeRawPointer(base)
        let count = bytes.count
        var runStart = 0
        var place = 0
        while place < count {
            if count - place >= 8 {
                let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
                // Bytes of 0x80 and more pass, but E2, the lead of U+2028, must be looked at.
                let hits = specialBytes(word)
                if hits == 0 {
                    place += 8
                    continue
                }
                place += hits.trailingZeroBitCount >> 3
            }
            let byte = base[place]
            let replacement: StaticString?
            var length = 1
            switch byte {
            case UInt8(ascii: "\""): replacement = "\\\""
            case UInt8(ascii: "\\"): replacement = "\\\\"
            case UInt8(ascii: "\n"): replacement = "\\n"
            case UInt8(ascii: "\r"): replacement = "\\r"
            case UInt8(ascii: "\t"): replacement = "\\t"
            case 0x08: replacement = "\\b"
            case 0x0c: replacement = "\\f"
            case 0..<0x20: replacement = byte < 0x10 ? "\\u000" : "\\u001"
            case 0xe2 where count - place >= 3 && base[place + 1] == 0x80 && base[place + 2] & 0xfe == 0xa8:
                replacement = base[place + 2] == 0xa8 ? "\\u2028" : "\\u2029"
                length = 3
            default: replacement = nil
            }
            guard let replacement else {
                place += 1
                continue
            }
            output.append(contentsOf: UnsafeBufferPointer(start: base + runStart, count: place - runStart))
            output.append(
                contentsOf: UnsafeBufferPointer(start: replacement.utf8Start, count: replacement.utf8CodeUnitCount))
            if byte < 0x20, replacement.utf8CodeUnitCount == 5 {
                let digit = byte & 0xf
                output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
            place += length
            runStart = place
        }
        output.append(contentsOf: UnsafeBufferPointer(start: base + runStart, count: count - runStart))
    }

    /// The string with quotes and escapes.
    public static func encoded(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count + 2)
        append(text, to: &output)
        return output
    }
}

private func appendASCII(_ text: String, to output: inout [UInt8]) {
    output.append(contentsOf: text.utf8)
}

private func appendDecimal(_ value: Int64, to output: inout [UInt8]) {
    if value >= 0, value < 10 {
        output.append(UInt8(ascii: "0") + UInt8(value))
        return
    }
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var place = 20
    var rest = value.magnitude
    repeat {
        place -= 1
        digits[place] = UInt8(ascii: "0") + UInt8(rest % 10)
        rest /= 10
    } while rest > 0
    if value < 0 { output.append(UInt8(ascii: "-")) }
    while place < 20 {
        output.append(digits[place])
        place += 1
    }
}

/// A finite number in the shortest form that reads back the same, laid out as Go does, with exponents below 1e-6 and
/// above; but already above 2^63, where Go waits for 1e21, since the digits alone would read as too large an integer.
func goFormatted(_ value: Double) -> String {
    guard value.isFinite else { return "null" }
    if value == 0 { return value.sign == .minus ? "-0" : "0" }
    // Swift's description holds the shortest digits; only its layout differs.
    var digits: [UInt8] = []
    var pointShift = 0
    var exponent = 0
    var seenPoint = false
    var iterator = value.magnitude.description.utf8.makeIterator()
    while let byte = iterator.next() {
        switch byte {
        case UInt8(ascii: "."): seenPoint = true
        case UInt8(ascii: "e"), UInt8(ascii: "E"):
            var rest: [UInt8] = []
            while let next = iterator.next() { rest.append(next) }
            exponent = Int(String(decoding: rest, as: UTF8.self)) ?? 0
        default:
            digits.append(byte)
            if seenPoint { pointShift -= 1 }
        }
    }
    // The value is 0.d1d2d3… × 10^scale.
    while digits.first == UInt8(ascii: "0") { digits.removeFirst() }
    while digits.last == UInt8(ascii: "0") {
        digits.removeLast()
        pointShift += 1
    }
    let scale = digits.count + pointShift + exponent
    let sign = value < 0 ? "-" : ""
    let text = String(decoding: digits, as: UTF8.self)
    if scale - 1 < -6 || value.magnitude >= 0x1p63 {
        let power = scale - 1
        let mantissa = text.count == 1 ? text : "\(text.prefix(1)).\(text.dropFirst())"
        return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(abs(power) < 10 && power > 0 ? "0" : "")\(abs(power))"
    }
    if scale <= 0 { return "\(sign)0.\(String(repeating: "0", count: -scale))\(text)" }
    if scale >= text.count { return "\(sign)\(text)\(String(repeating: "0", count: scale - text.count))" }
    return "\(sign)\(text.prefix(scale)).\(text.dropFirst(scale))"
}
