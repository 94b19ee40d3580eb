/// The parser's state: a cursor over the bytes, and two stacks on which the members of open containers wait, so that
/// every array and object is allocated once, in its final size.
///
/// Unsafe pointers are used since bounds-checked arrays halve the speed (decision 0003). All reads are guarded by
/// `position < end`; strings are scanned 8 bytes at a time while 8 are left.
struct JSONMachine: ~Copyable {
    enum Duplicates {
        case reject
        case keepLast
        case report
    }

    private let base: UnsafePointer<UInt8>
    private let end: Int
    private var position = 0
    private let maximumDepth: Int
    private let duplicates: Duplicates
    private var elements = JSONStack<JSONValue>()
    private var members = JSONStack<JSONObject.Entry>()
    private var keyTexts: JSONKeyTexts?
    private var path: [FieldPath.Step] = []

    /// Whose values may be taken over at the top level.
    private let donor: ParsedMembers?
    /// Where the values of the document's members stand, if that is to be known.
    private(set) var memberSpans: [ParsedMembers.Span] = []
    private let recordsMembers: Bool
    /// Whether what was read since this was last set stands as `JSONWriter` would write it.
    private var isAsWritten = true

    private(set) var sawDuplicate = false
    private(set) var duplicatePaths: [String] = []

    /// The bytes must stay valid and unchanged while the machine is used.
    init(
        _ bytes: UnsafeRawBufferPointer, _ limits: JSONParser.Limits, duplicates: Duplicates,
        donor: ParsedMembers? = nil, recordsMembers: Bool = false
    ) {
        self.donor = donor
        self.recordsMembers = recordsMembers
        let buffer = bytes.assumingMemoryBound(to: UInt8.self)
        base = buffer.baseAddress ?? JSONMachine.noBytes
        end = buffer.baseAddress == nil ? 0 : buffer.count
        maximumDepth = limits.maximumDepth
        self.duplicates = duplicates
    }

    deinit {
        if let keyTexts { JSONKeyTexts.giveBack(keyTexts) }
    }

    private static nonisolated(unsafe) let noBytes = UnsafePointer(UnsafeMutablePointer<UInt8>.allocate(capacity: 1))

    mutating func document() throws(JSONError) -> JSONValue {
        let result = try value(depth: 0)
        skipSpace()
        guard position == end else { throw error(.trailingBytes, "more text after the document") }
        return result
    }

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        skipSpace()
        guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
        let byte = base[position]
        switch byte {
        case UInt8(ascii: "\""):
            position += 1
            return .string(try string())
        case UInt8(ascii: "{"):
            return try object(depth: depth + 1)
        case UInt8(ascii: "["):
            return try array(depth: depth + 1)
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            return try number()
        default:
            throw unexpected("looking for beginning of value")
        }
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= maximumDepth else { throw error(.tooDeep, "exceeded max depth") }
        position += 1
        let start = elements.count
        skipSpace()
        if position < end, base[position] == UInt8(ascii: "]") {
            position += 1
            return .array([])
        }
        while true {
            if duplicates == .report { path.append(.index(elements.count - start)) }
            elements.push(try value(depth: depth))
            if duplicates == .report { path.removeLast() }
            skipSpace()
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            let byte = base[position]
            if byte == UInt8(ascii: ",") {
                position += 1
            } else if byte == UInt8(ascii: "]") {
                position += 1
                return .array(elements.popAll(from: start))
            } else {
                throw unexpected("after array element")
            }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= maximumDepth else { throw error(.tooDeep, "exceeded max depth") }
        position += 1
        let start = members.count
        // Set once there are too many keys to compare each with all.
        var seen: JSONObject?
        // The marks of the keys so far: only where a key's own is among them it may stand there twice.
        var marks: UInt64 = 0
        skipSpace()
        if position < end, base[position] == UInt8(ascii: "}") {
            position += 1
            return .object(JSONObject())
        }
        while true {
            skipSpace()
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            guard base[position] == UInt8(ascii: "\"") else {
                throw unexpected("looking for beginning of object key string")
            }
            let keyOffset = position
            position += 1
            let (key, mark) = try objectKey()
            skipSpace()
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            guard base[position] == UInt8(ascii: ":") else { throw unexpected("after object key") }
            position += 1

            var earlier: Int?
            if marks & mark != 0 {
                earlier = seen == nil ? members.offset(of: key, from: start) : seen?.position(of: key)
            }
            marks |= mark
            if earlier != nil {
                sawDuplicate = true
                isAsWritten = false
                if duplicates == .reject {
                    throw JSONError(.duplicateKey, "duplicate field \(goQuoted(key))", offset: keyOffset)
                }
            }
            if duplicates == .report {
                path.append(.child(key))
                if earlier != nil { duplicatePaths.append(FieldPath(steps: path).description) }
            }
            let value = try depth == 1 ? topLevelValue(key) : value(depth: depth)
            if duplicates == .report { path.removeLast() }

            if let earlier {
                members.replaceValue(at: start + earlier, value)
            } else {
                members.push(JSONObject.Entry(key: key, value: value))
                if seen != nil {
                    seen?[key] = .null
                } else if members.count - start > JSONObject.linearLimit {
                    var index = JSONObject(minimumCapacity: 64)
                    for place in start..<members.count { index[members.key(at: place)] = .null }
                    seen = index
                }
            }
            skipSpace()
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            let byte = base[position]
            if byte == UInt8(ascii: ",") {
                position += 1
            } else if byte == UInt8(ascii: "}") {
                position += 1
                return .object(JSONObject(distinct: members.popAll(from: start)))
            } else {
                throw unexpected("after object key:value pair")
            }
        }
    }

    /// The value of a member of the document itself.
    private mutating func topLevelValue(_ key: String) throws(JSONError) -> JSONValue {
        guard donor != nil || recordsMembers else { return try value(depth: 1) }
        skipSpace()
        if let known = donor?.value(of: key, at: base + position, available: end - position) {
            if recordsMembers {
                memberSpans.append(
                    ParsedMembers.Span(bytes: position..<position + known.length, isAsWritten: known.isAsWritten))
            }
            position += known.length
            return known.value
        }
        let start = position
        isAsWritten = true
        let value = try value(depth: 1)
        if recordsMembers { memberSpans.append(ParsedMembers.Span(bytes: start..<position, isAsWritten: isAsWritten)) }
        return value
    }

    @inline(__always)
    private mutating func skipSpace() {
        while position < end {
            let byte = base[position]
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            position += 1
            isAsWritten = false
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONError) {
        for offset in 0..<word.utf8CodeUnitCount {
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            guard base[position] == word.utf8Start[offset] else { throw unexpected("in literal \(word)") }
            position += 1
        }
    }

    // MARK: Numbers

    private mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let negative = base[position] == UInt8(ascii: "-")
        if negative { position += 1 }
        var mantissa: UInt64 = 0
        var overflowed = false
        let firstDigit = position
        while position < end {
            let digit = base[position] &- UInt8(ascii: "0")
            guard digit <= 9 else { break }
            let (shifted, high) = mantissa.multipliedReportingOverflow(by: 10)
            let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
            overflowed = overflowed || high || carry
            mantissa = sum
            position += 1
        }
        guard position > firstDigit else {
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            throw unexpected("in numeric literal", code: .invalidNumber)
        }
        if base[firstDigit] == UInt8(ascii: "0"), position - firstDigit > 1 {
            position = firstDigit + 1
            throw unexpected("after a leading zero", code: .invalidNumber)
        }
        guard position < end,
            base[position] == UInt8(ascii: ".") || base[position] | 0x20 == UInt8(ascii: "e")
        else {
            // -0 is no integer: it would lose its sign.
            if negative, mantissa == 0 {
                isAsWritten = false
                return .number(-0.0)
            }
            let limit = UInt64(Int64.max) + (negative ? 1 : 0)
            guard !overflowed, mantissa <= limit else {
                throw JSONError(.numberOutOfRange, "integer does not fit 64 bits", offset: start)
            }
            return .integer(negative ? Int64(truncatingIfNeeded: 0 &- mantissa) : Int64(mantissa))
        }

        isAsWritten = false
        var exponent = 0
        if base[position] == UInt8(ascii: ".") {
            position += 1
            let firstFraction = position
            while position < end {
                let digit = base[position] &- UInt8(ascii: "0")
                guard digit <= 9 else { break }
                let (shifted, high) = mantissa.multipliedReportingOverflow(by: 10)
                let (sum, carry) = shifted.addingReportingOverflow(UInt64(digit))
                overflowed = overflowed || high || carry
                mantissa = sum
                position += 1
            }
            exponent = firstFraction - position
            try requireDigits(since: firstFraction)
        }
        if position < end, base[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            var down = false
            if position < end, base[position] == UInt8(ascii: "+") || base[position] == UInt8(ascii: "-") {
                down = base[position] == UInt8(ascii: "-")
                position += 1
            }
            let firstExponent = position
            var written = 0
            while position < end {
                let digit = base[position] &- UInt8(ascii: "0")
                guard digit <= 9 else { break }
                written = min(written * 10 + Int(digit), 100_000)
                position += 1
            }
            try requireDigits(since: firstExponent)
            exponent += down ? -written : written
        }
        // Both factors are exact in a Double, so one operation rounds correctly (Clinger's fast path).
        if !overflowed, mantissa < 1 << 53, exponent >= -22, exponent <= 22 {
            let digits = Double(mantissa)
            let magnitude = exponent < 0 ? digits / powersOfTen[-exponent] : digits * powersOfTen[exponent]
            return .number(negative ? -magnitude : magnitude)
        }
        let text = String(decoding: UnsafeBufferPointer(start: base + start, count: position - start), as: UTF8.self)
        guard let value = Double(text), value.isFinite else {
            throw JSONError(.numberOutOfRange, "number does not fit a double", offset: start)
        }
        return .number(value)
    }

    private func requireDigits(since first: Int) throws(JSONError) {
        guard position == first else { return }
        guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
        throw unexpected("in numeric literal", code: .invalidNumber)
    }

    // MARK: Strings

    /// Where the plain ASCII run from `position` ends: a quote, a backslash, a control character, a byte of 0x80 or
    /// more, or the end.
    @inline(__always)
    private func plainEnd(_ start: Int) -> Int {
        var place = start
        let raw = UnsafeRawPointer(base)
        while end - place >= 8 {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
            let hits = specialBytes(word)
            if hits != 0 { return place + hits.trailingZeroBitCount >> 3 }
            place += 8
        }
        while place < end {
            let byte = base[place]
            if byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            place += 1
        }
        return place
    }

    /// One bit of 64 for a key, the same for equal ones.
    @inline(__always)
    private static func mark(first: UInt8, last: UInt8, count: Int) -> UInt64 {
        let mixed = (first &* 3) ^ (last &* 5) ^ (UInt8(truncatingIfNeeded: count) &* 7)
        return 1 << UInt64(mixed & 63)
    }

    @inline(never)
    private mutating func unusualKey() throws(JSONError) -> (String, mark: UInt64) {
        let key = try string()
        let bytes = key.utf8
        return (key, Self.mark(first: bytes.first ?? 0, last: bytes.last ?? 0, count: bytes.count))
    }

    private mutating func objectKey() throws(JSONError) -> (String, mark: UInt64) {
        let start = position
        let stop = plainEnd(start)
        let length = stop - start
        guard length > 0, length <= JSONKeyTexts.maximumLength, stop < end, base[stop] == UInt8(ascii: "\"") else {
            return try unusualKey()
        }
        position = stop + 1
        let texts: JSONKeyTexts
        if let keyTexts {
            texts = keyTexts
        } else {
            texts = JSONKeyTexts.borrow()
            keyTexts = texts
        }
        return (
            texts.text(base + start, length, available: end - start),
            Self.mark(first: base[start], last: base[stop - 1], count: length)
        )
    }

    /// Reads the rest of a string after its opening quote.
    private mutating func string() throws(JSONError) -> String {
        let start = position
        let stop = plainEnd(start)
        if stop < end, base[stop] == UInt8(ascii: "\"") {
            position = stop + 1
            return String(decoding: UnsafeBufferPointer(start: base + start, count: stop - start), as: UTF8.self)
        }
        return try slowString(from: start, plainEnd: stop)
    }

    @inline(never)
    private mutating func slowString(from start: Int, plainEnd stop: Int) throws(JSONError) -> String {
        position = stop
        isAsWritten = false
        var wide = false
        // The text so far, once there was an escape.
        var text: [UInt8] = []
        var hasEscapes = false
        var runStart = start
        while position < end {
            let byte = base[position]
            if byte == UInt8(ascii: "\"") {
                let run = UnsafeBufferPointer(start: base + runStart, count: position - runStart)
                position += 1
                guard hasEscapes else { return try validated(run, start, wide) }
                text.append(contentsOf: run)
                return try text.withUnsafeBufferPointer { (bytes) throws(JSONError) in
                    try validated(bytes, start, wide)
                }
            } else if byte == UInt8(ascii: "\\") {
                text.append(contentsOf: UnsafeBufferPointer(start: base + runStart, count: position - runStart))
                position += 1
                let scalar = try escape()
                if scalar.isASCII {
                    text.append(UInt8(truncatingIfNeeded: scalar.value))
                } else {
                    text.append(contentsOf: String(scalar).utf8)
                }
                hasEscapes = true
                runStart = position
            } else if byte < 0x20 {
                throw error(.invalidString, "invalid character \(goQuotedByte(byte)) in string literal")
            } else {
                wide = wide || byte >= 0x80
                position = byte >= 0x80 ? position + 1 : plainEnd(position)
            }
        }
        throw error(.unexpectedEnd, "unexpected end of JSON input")
    }

    private func validated(
        _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ wide: Bool
    ) throws(JSONError) -> String {
        guard wide else { return String(decoding: bytes, as: UTF8.self) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw JSONError(.invalidUTF8, "invalid UTF-8 in string", offset: start)
        }
        return text
    }

    /// Reads an escape after its backslash.
    private mutating func escape() throws(JSONError) -> Unicode.Scalar {
        guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
        let byte = base[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default:
            position -= 1
            throw unexpected("in string escape code", code: .invalidString)
        }
        let unit = try hexUnit()
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit < 0xdc00, end - position >= 2, base[position] == UInt8(ascii: "\\"),
            base[position + 1] == UInt8(ascii: "u")
        else { throw error(.invalidString, "unpaired surrogate in string") }
        position += 2
        let low = try hexUnit()
        guard (0xdc00...0xdfff).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
        else { throw error(.invalidString, "unpaired surrogate in string") }
        return scalar
    }

    private mutating func hexUnit() throws(JSONError) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard position < end else { throw error(.unexpectedEnd, "unexpected end of JSON input") }
            let byte = base[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw unexpected("in \\u hexadecimal character escape", code: .invalidString)
            }
            unit = unit << 4 | UInt32(digit)
            position += 1
        }
        return unit
    }

    // MARK: Errors

    private func error(_ code: JSONError.Code, _ message: String) -> JSONError {
        JSONError(code, message, offset: position)
    }

    private func unexpected(_ context: String, code: JSONError.Code = .unexpectedByte) -> JSONError {
        guard position < end else { return error(.unexpectedEnd, "unexpected end of JSON input") }
        return error(code, "invalid character \(goQuotedByte(base[position])) \(context)")
    }
}

/// Marks, with the top bit of their byte, quotes, backslashes, control characters and bytes of 0x80 or more. Only the
/// lowest mark is exact: borrows may mark bytes above it.
@inline(__always)
func specialBytes(_ word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quotes = (word ^ 0x2222_2222_2222_2222) &- ones
    let backslashes = (word ^ 0x5c5c_5c5c_5c5c_5c5c) &- ones
    let controls = word &- 0x2020_2020_2020_2020
    return (quotes | backslashes | controls | word) & 0x8080_8080_8080_8080
}

private let powersOfTen: InlineArray<23, Double> = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]

/// A byte as Go writes it in messages: `'x'`, or `'\x1f'`.
func goQuotedByte(_ byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "'"): return "'\\''"
    case UInt8(ascii: "\n"): return "'\\n'"
    case UInt8(ascii: "\r"): return "'\\r'"
    case UInt8(ascii: "\t"): return "'\\t'"
    case 0x20...0x7e: return "'\(Character(Unicode.Scalar(byte)))'"
    default:
        let digits = String(byte, radix: 16)
        return "'\\x\(digits.count == 1 ? "0" : "")\(digits)'"
    }
}
