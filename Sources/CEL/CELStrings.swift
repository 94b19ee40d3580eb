import KubeModel

/// The functions of strings. Positions count Unicode scalars.
enum CELStrings {
    static func text(_ value: CELValue) throws(CELFailure) -> String {
        guard case .string(let text) = value else { throw .noSuchOverload }
        return text
    }

    static func call(_ function: CELFunction, _ text: String) throws(CELFailure) -> CELValue {
        switch function {
        case .lowerAscii: return .string(mapped(text) { (65...90).contains($0) ? $0 | 0x20 : $0 })
        case .upperAscii: return .string(mapped(text) { (97...122).contains($0) ? $0 & ~0x20 : $0 })
        case .trim:
            let scalars = text.unicodeScalars
            guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
                let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
            else { return .string("") }
            return .string(String(scalars[first...last]))
        case .quote: return .string(goQuoted(text))
        default: throw .noSuchOverload
        }
    }

    static func call(
        _ function: CELFunction, _ target: CELValue, _ rest: [CELValue]
    ) throws(CELFailure) -> CELValue {
        let text = try text(target)
        switch (function, rest.count) {
        case (.contains, 1): return .bool(contains(text, try self.text(rest[0])))
        case (.startsWith, 1): return .bool(starts(text.utf8, with: try self.text(rest[0]).utf8))
        case (.endsWith, 1):
            return .bool(starts(text.utf8.reversed(), with: try self.text(rest[0]).utf8.reversed()))
        case (.matches, 1): return .bool(try pattern(rest[0], for: text).matches(text))
        case (.find, 1): return .string(try pattern(rest[0], for: text).finds(in: text, limit: 1).first ?? "")
        case (.findAll, 1), (.findAll, 2):
            let limit = rest.count > 1 ? try number(rest[1]) : -1
            let found = try pattern(rest[0], for: text).finds(in: text, limit: limit < 0 ? Int.max : limit)
            return .list(found.map { .string($0) })
        case (.charAt, 1):
            let place = try number(rest[0])
            let scalars = text.unicodeScalars
            guard place >= 0, place <= scalars.count else { throw .failed("index out of range: \(place)") }
            return .string(scalars.dropFirst(place).first.map { String(Character($0)) } ?? "")
        case (.indexOf, 1), (.indexOf, 2), (.lastIndexOf, 1), (.lastIndexOf, 2):
            return .int(try position(function, text, rest))
        case (.substring, 1), (.substring, 2):
            let scalars = text.unicodeScalars
            let count = scalars.count
            let start = try number(rest[0])
            let end = rest.count > 1 ? try number(rest[1]) : count
            guard (0...count).contains(start) else { throw .failed("index out of range: \(start)") }
            guard (0...count).contains(end) else { throw .failed("index out of range: \(end)") }
            guard start <= end else { throw .failed("invalid substring range. start: \(start), end: \(end)") }
            return .string(String(String.UnicodeScalarView(scalars.dropFirst(start).prefix(end - start))))
        case (.replace, 2), (.replace, 3):
            return .string(
                try replace(
                    text, try self.text(rest[0]), try self.text(rest[1]), rest.count > 2 ? try number(rest[2]) : -1))
        case (.split, 1), (.split, 2):
            let limit = rest.count > 1 ? try number(rest[1]) : -1
            return .list(split(text, try self.text(rest[0]), limit).map { .string($0) })
        case (.format, 1): return .string(try CELFormatting.format(text, rest[0]))
        default: throw .noSuchOverload
        }
    }

    private static func number(_ value: CELValue) throws(CELFailure) -> Int {
        guard case .int(let number) = value else { throw .noSuchOverload }
        return Int(number)
    }

    /// A pattern that is part of the object, and so may have been written to cost much.
    private static func pattern(_ value: CELValue, for text: String) throws(CELFailure) -> TextPattern {
        let source = try self.text(value)
        do throws(TextPattern.Unsupported) {
            let pattern = try TextPattern(usedNow: source)
            guard pattern.cost(of: text) <= CELCost.evaluationLimit else {
                throw .init(message: "expression too large")
            }
            return pattern
        } catch {
            throw .failed("error parsing regexp: \(error.message)")
        }
    }

    private static func mapped(_ text: String, _ change: (UInt8) -> UInt8) -> String {
        String(decoding: text.utf8.map(change), as: UTF8.self)
    }

    private static func starts(_ text: some Sequence<UInt8>, with start: some Sequence<UInt8>) -> Bool {
        text.starts(with: start)
    }

    static func contains(_ text: String, _ part: String) -> Bool {
        guard !part.isEmpty else { return true }
        return find(Array(text.utf8), Array(part.utf8), from: 0) != nil
    }

    /// The first place from `start` where a part stands, in time linear in both (Knuth, Morris and Pratt).
    private static func find(_ text: [UInt8], _ part: [UInt8], from start: Int) -> Int? {
        guard start >= 0, part.count <= text.count - start, let first = part.first else {
            return part.isEmpty ? start : nil
        }
        guard part.count > 1 else { return text[start...].firstIndex(of: first) }
        // How much of the part still stands where one more byte does not fit.
        var borders = [0]
        var length = 0
        for byte in part.dropFirst() {
            while length > 0, part[length] != byte { length = borders[length - 1] }
            if part[length] == byte { length += 1 }
            borders.append(length)
        }
        length = 0
        for place in start..<text.count {
            while length > 0, part[length] != text[place] { length = borders[length - 1] }
            if part[length] == text[place] { length += 1 }
            if length == part.count { return place - length + 1 }
        }
        return nil
    }

    /// The place in bytes of a scalar; nil behind the end.
    private static func byteOffset(_ text: String, _ place: Int) -> Int? {
        guard place >= 0 else { return nil }
        let scalars = text.unicodeScalars
        guard let index = scalars.index(scalars.startIndex, offsetBy: place, limitedBy: scalars.endIndex) else {
            return nil
        }
        return text.utf8.distance(from: text.startIndex, to: index)
    }

    private static func scalarOffset(_ bytes: ArraySlice<UInt8>) -> Int64 {
        // Bytes that continue a scalar start with 10.
        Int64(bytes.count { $0 & 0xc0 != 0x80 })
    }

    private static func position(
        _ function: CELFunction, _ text: String, _ rest: [CELValue]
    ) throws(CELFailure) -> Int64 {
        let part = Array(try self.text(rest[0]).utf8)
        let bytes = Array(text.utf8)
        let limit = rest.count > 1 ? try number(rest[1]) : nil
        if function == .indexOf {
            guard let start = byteOffset(text, limit ?? 0) else { throw .failed("index out of range: \(limit ?? 0)") }
            guard let found = find(bytes, part, from: start) else { return -1 }
            return scalarOffset(bytes[..<found])
        }
        // From behind: the last place is the first one of everything reversed.
        guard let last = limit.map({ byteOffset(text, $0) }) ?? bytes.count else {
            throw .failed("index out of range: \(limit ?? 0)")
        }
        let end = min(bytes.count, last + part.count)
        guard let found = find(bytes[..<end].reversed(), part.reversed(), from: 0) else { return -1 }
        return scalarOffset(bytes[..<(end - found - part.count)])
    }

    /// What one evaluation may make at most, in bytes.
    static let sizeLimit = 8 << 20

    private static func replace(
        _ text: String, _ old: String, _ new: String, _ limit: Int
    ) throws(CELFailure) -> String {
        var pieces = split(text, old, limit < 0 ? -1 : limit.addingReportingOverflow(1).partialValue)
        if old.isEmpty, limit != 0 {
            // Between all characters and at both ends.
            pieces = text.unicodeScalars.map { String(Character($0)) }
            let count = limit < 0 ? pieces.count + 1 : min(limit, pieces.count + 1)
            guard text.utf8.count + count * new.utf8.count <= sizeLimit else { throw .failed("string is too large") }
            var result = ""
            for (place, piece) in pieces.enumerated() { result += (place < count ? new : "") + piece }
            return result + (pieces.count < count ? new : "")
        }
        if limit == 0 { return text }
        let size = text.utf8.count + pieces.count * new.utf8.count
        guard size <= sizeLimit else { throw .failed("string is too large") }
        return pieces.joined(separator: new)
    }

    /// At most `limit` parts, if it is not negative; with an empty separator every character is a part.
    private static func split(_ text: String, _ separator: String, _ limit: Int) -> [String] {
        if limit == 0 { return [] }
        if limit == 1 { return [text] }
        if separator.isEmpty {
            let scalars = Array(text.unicodeScalars)
            let count = limit < 0 ? scalars.count : min(limit, scalars.count)
            return (0..<count).map { place in
                place == count - 1
                    ? String(String.UnicodeScalarView(scalars[place...])) : String(Character(scalars[place]))
            }
        }
        let bytes = Array(text.utf8)
        let part = Array(separator.utf8)
        var result: [String] = []
        var start = 0
        while limit < 0 || result.count < limit - 1, let found = find(bytes, part, from: start) {
            result.append(String(decoding: bytes[start..<found], as: UTF8.self))
            start = found + part.count
        }
        result.append(String(decoding: bytes[start...], as: UTF8.self))
        return result
    }
}
