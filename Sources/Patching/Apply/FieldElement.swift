import Glibc
import KubeModel

/// One step of a path in a field set: how an owned field is named inside the one that holds it.
///
/// Source: Kubernetes' FieldsV1 format, `f:NAME`, `k:{KEYS}`, `v:VALUE` and `i:INDEX`.
package enum FieldElement: Sendable {
    /// A member of an object.
    case field(String)
    /// An element of a list that has keys: their JSON object, compact, with names in byte order.
    case key(String)
    /// An element of a set: its compact JSON.
    case value(String)
    /// An element of a list without keys.
    case index(Int)

    /// The kinds sort in this order.
    private var rank: Int {
        switch self {
        case .field: 0
        case .key: 1
        case .value: 2
        case .index: 3
        }
    }

    /// Negative, zero or positive, as this element comes before, is equal to or comes after `other` in FieldsV1.
    func order(_ other: FieldElement) -> Int {
        switch (self, other) {
        case (.field(let left), .field(let right)): Self.byteOrder(left, right)
        case (.key(let left), .key(let right)), (.value(let left), .value(let right)): Self.jsonOrder(left, right)
        case (.index(let left), .index(let right)): left - right
        default: rank - other.rank
        }
    }

    private static func byteOrder(_ left: String, _ right: String) -> Int {
        if hasSameBits(left, right) { return 0 }
        var left = left
        var right = right
        return left.withUTF8 { left in
            right.withUTF8 { right in
                let common = min(left.count, right.count)
                if common > 0, let first = left.baseAddress, let second = right.baseAddress {
                    let order = memcmp(first, second, common)
                    if order != 0 { return Int(order) }
                }
                return left.count - right.count
            }
        }
    }

    /// Canonical JSON by value: numbers by size, texts by their bytes.
    private static func jsonOrder(_ left: String, _ right: String) -> Int {
        if sameBytes(left, right) { return 0 }
        var left = left
        var right = right
        return left.withUTF8 { left in
            right.withUTF8 { right in
                var place = 0
                while place < left.count, place < right.count, left[place] == right[place] { place += 1 }
                var start = place
                while start > 0, !isBoundary(left[start - 1]) { start -= 1 }
                if let first = number(left, from: start), let second = number(right, from: start), first != second {
                    return first < second ? -1 : 1
                }
                guard place < left.count, place < right.count else { return left.count - right.count }
                return Int(left[place]) - Int(right[place])
            }
        }
    }

    private static func isBoundary(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ":") || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "{")
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Double? {
        var end = start
        while end < bytes.count, bytes[end] != UInt8(ascii: ","), bytes[end] != UInt8(ascii: "}") { end += 1 }
        guard start < end, bytes[start] != UInt8(ascii: "\"") else { return nil }
        // Ports and the like: sorting thousands of them makes no text of each.
        if end - start <= 15 {
            var value: Int64 = 0
            var place = start
            while place < end, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[place]) {
                value = value * 10 + Int64(bytes[place] - UInt8(ascii: "0"))
                place += 1
            }
            if place == end { return Double(value) }
        }
        return Double(String(decoding: bytes[start..<end], as: UTF8.self))
    }
}

extension FieldElement: Hashable {
    package static func == (left: FieldElement, right: FieldElement) -> Bool {
        switch (left, right) {
        case (.field(let left), .field(let right)), (.key(let left), .key(let right)),
            (.value(let left), .value(let right)):
            sameBytes(left, right)
        case (.index(let left), .index(let right)): left == right
        default: false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .field(let text): hasher.combine(ByteKey(text))
        case .key(let text), .value(let text):
            hasher.combine(rank)
            hasher.combine(ByteKey(text))
        case .index(let index): hasher.combine(index)
        }
    }
}

extension FieldElement {
    /// An element of a list whose keys have these values. `keys` are sorted by name.
    static func listKey(_ keys: [(String, JSONValue)]) -> FieldElement {
        var text: [UInt8] = []
        text.reserveCapacity(48)
        text.append(UInt8(ascii: "{"))
        for (place, key) in keys.enumerated() {
            if place > 0 { text.append(UInt8(ascii: ",")) }
            JSONText.append(key.0, to: &text)
            text.append(UInt8(ascii: ":"))
            key.1.encode(into: &text)
        }
        text.append(UInt8(ascii: "}"))
        return .key(String(decoding: text, as: UTF8.self))
    }

    /// An element of a set.
    static func setValue(_ value: JSONValue) -> FieldElement {
        .value(String(decoding: value.encoded(), as: UTF8.self))
    }

    /// Reads `f:NAME` and the like. nil for a kind of element that nobody knows, which Kubernetes passes over.
    /// - Throws: for an element of a known kind that can't be read.
    init?(fieldsV1 text: String) throws(FieldsV1Error) {
        let rest = text.dropFirst(2)
        switch text.utf8.prefix(2).elementsEqual("f:".utf8) ? "f:" : String(text.prefix(2)) {
        case "f:": self = .field(String(rest))
        case "k:":
            guard case .object(let keys)? = Self.parsed(rest), !keys.isEmpty else {
                throw FieldsV1Error(message: "no keys in path element \(goQuoted(text))")
            }
            self = .listKey(keys.map { ($0.key, $0.value) }.sorted { ByteKey($0.0) < ByteKey($1.0) })
        case "v:":
            guard let value = Self.parsed(rest) else {
                throw FieldsV1Error(message: "no value in path element \(goQuoted(text))")
            }
            self = .setValue(value)
        case "i:":
            guard let index = Int(rest) else {
                throw FieldsV1Error(message: "no index in path element \(goQuoted(text))")
            }
            self = .index(index)
        default:
            guard text.utf8.count >= 2, text.utf8.dropFirst().first == UInt8(ascii: ":") else {
                throw FieldsV1Error(message: "missing colon in path element \(goQuoted(text))")
            }
            return nil
        }
    }

    private static func parsed(_ text: Substring) -> JSONValue? {
        // Whatever is no JSON is reported by the caller, with the whole element.
        try? JSONParser.parse(Array(text.utf8))
    }

    /// Appends the element as a JSON string.
    func encode(into output: inout [UInt8]) {
        switch self {
        case .field(let name): Self.append("f:", name, to: &output)
        case .key(let text): Self.append("k:", text, to: &output)
        case .value(let text): Self.append("v:", text, to: &output)
        case .index(let index): Self.append("i:", String(index), to: &output)
        }
    }

    private static func append(_ prefix: StaticString, _ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        output.append(contentsOf: UnsafeBufferPointer(start: prefix.utf8Start, count: prefix.utf8CodeUnitCount))
        JSONText.appendContents(of: text, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// As paths are written in messages: `.spec`, `[name="a",port=80]`, `[="a"]`, `[0]`.
    package var pathText: String {
        switch self {
        case .field(let name): "." + name
        case .key(let text):
            "["
                + (Self.parsed(Substring(text)).object.map { keys in
                    keys.map { "\($0.key)=\(Self.shown($0.value))" }.joined(separator: ",")
                } ?? text) + "]"
        case .value(let text): "[=\(Self.parsed(Substring(text)).map { Self.shown($0) } ?? text)]"
        case .index(let index): "[\(index)]"
        }
    }

    private static func shown(_ value: JSONValue) -> String {
        value.string.map { goQuoted($0) } ?? value.description
    }
}

/// Why a FieldsV1 document can't be read.
package struct FieldsV1Error: Error, Sendable, CustomStringConvertible {
    package let message: String
    package var description: String { message }
}
