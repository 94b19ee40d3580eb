import KubeModel

/// FieldsV1 knows nothing but objects and their keys, so that it can be read without building a document.
struct FieldsV1Reader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(FieldsV1Error) -> FieldSet {
        let (set, _) = try object(depth: 0)
        skipSpace()
        guard place == bytes.count else { throw unexpected() }
        return set
    }

    private func unexpected() -> FieldsV1Error {
        FieldsV1Error(message: "fieldsV1 is malformed at offset \(place)")
    }

    private mutating func skipSpace() {
        while place < bytes.count, bytes[place] <= 0x20 { place += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard place < bytes.count, bytes[place] == byte else { return false }
        place += 1
        return true
    }

    /// What an object has below it, and whether its dot makes it a member itself.
    private mutating func object(depth: Int) throws(FieldsV1Error) -> (set: FieldSet, isMember: Bool) {
        guard depth < 200, take(UInt8(ascii: "{")) else { throw unexpected() }
        var nodes: [FieldSet.Node] = []
        var isMember = false
        var isFirst = true
        while !take(UInt8(ascii: "}")) {
            if !isFirst, !take(UInt8(ascii: ",")) { throw unexpected() }
            isFirst = false
            let key = try key()
            guard take(UInt8(ascii: ":")) else { throw unexpected() }
            let (children, hasDot) = try object(depth: depth + 1)
            switch key {
            case .dot: isMember = true
            case .unknown: break
            case .element(let element):
                nodes.append(FieldSet.Node(element, isMember: hasDot || children.isEmpty, children: children))
            }
        }
        return (FieldSet(distinct(nodes)), isMember)
    }

    /// Of keys that stand twice the last counts, as where a document is read into a map.
    private func distinct(_ nodes: [FieldSet.Node]) -> [FieldSet.Node] {
        guard nodes.count > 1 else { return nodes }
        var isSorted = true
        for place in 1..<nodes.count where nodes[place - 1].element.order(nodes[place].element) >= 0 {
            isSorted = false
        }
        if isSorted { return nodes }
        var last: [FieldElement: FieldSet.Node] = [:]
        for node in nodes { last[node.element] = node }
        return Array(last.values)
    }

    /// A string without escapes.
    private mutating func plainText() -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = place
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            if bytes[place] == UInt8(ascii: "\\") { return nil }
            place += 1
        }
        guard place < bytes.count else { return nil }
        place += 1
        return String(decoding: bytes[start..<(place - 1)], as: UTF8.self)
    }

    /// Reads a list of entries as `ManagedFields` writes it.
    /// - Returns: nil for anything else, be it valid.
    static func entries(_ bytes: [UInt8]) -> [ManagedFields.Entry]? {
        var reader = FieldsV1Reader(bytes)
        guard reader.take(UInt8(ascii: "[")) else { return nil }
        var entries: [ManagedFields.Entry] = []
        repeat {
            guard let entry = reader.entry() else { return nil }
            entries.append(entry)
        } while reader.take(UInt8(ascii: ","))
        guard reader.take(UInt8(ascii: "]")), reader.place == bytes.count else { return nil }
        return entries
    }

    private mutating func entry() -> ManagedFields.Entry? {
        let start = place
        guard take(UInt8(ascii: "{")) else { return nil }
        var identity = FieldManagerIdentity("", .update, apiVersion: "")
        var time: String?
        var fields: FieldSet?
        var fieldsText: [UInt8] = []
        repeat {
            guard let key = plainText(), take(UInt8(ascii: ":")) else { return nil }
            if key == "fieldsV1" {
                guard let end = objectEnd() else { return nil }
                fieldsText = Array(bytes[place..<end])
                if let known = FieldSetMemo.shared[fieldsText] {
                    fields = known
                    place = end
                    continue
                }
                // What is no FieldsV1 is reported by the reader that takes anything.
                fields = try? object(depth: 0).set
                if let fields, place == end { FieldSetMemo.shared.insert(fieldsText, fields) }
                continue
            }
            guard let text = plainText() else { return nil }
            switch key {
            case "manager": identity.manager = text
            case "operation":
                guard let operation = FieldManagerIdentity.Operation(rawValue: text) else { return nil }
                identity.operation = operation
            case "apiVersion": identity.apiVersion = text
            case "time": time = text
            case "fieldsType": guard text == "FieldsV1" else { return nil }
            case "subresource": identity.subresource = text
            default: return nil
            }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")), let fields, !identity.apiVersion.isEmpty else { return nil }
        return ManagedFields.Entry(
            identity, fields, time: time, encoded: Array(bytes[start..<place]), encodedFields: fieldsText)
    }

    /// Where the object that begins here ends; nil when none begins here, or none ends.
    private mutating func objectEnd() -> Int? {
        skipSpace()
        guard place < bytes.count, bytes[place] == UInt8(ascii: "{") else { return nil }
        return bytes.withUnsafeBufferPointer { bytes in
            var depth = 0
            var isInText = false
            var place = place
            while place < bytes.count {
                switch bytes[place] {
                case UInt8(ascii: "\""): isInText.toggle()
                case UInt8(ascii: "\\") where isInText: place += 1
                case UInt8(ascii: "{") where !isInText: depth += 1
                case UInt8(ascii: "}") where !isInText:
                    depth -= 1
                    if depth == 0 { return place + 1 }
                default: break
                }
                place += 1
            }
            return nil
        }
    }

    private enum Key {
        case dot, unknown
        case element(FieldElement)
    }

    private mutating func key() throws(FieldsV1Error) -> Key {
        guard take(UInt8(ascii: "\"")) else { throw unexpected() }
        let start = place
        var hasEscapes = false
        while place < bytes.count, bytes[place] != UInt8(ascii: "\"") {
            if bytes[place] == UInt8(ascii: "\\") {
                hasEscapes = true
                place += 1
            }
            place += 1
        }
        guard place < bytes.count else { throw unexpected() }
        let span = bytes[start..<place]
        place += 1
        if span.count == 1, span.first == UInt8(ascii: ".") { return .dot }
        if !hasEscapes, span.count >= 2, span[start] == UInt8(ascii: "f"), span[start + 1] == UInt8(ascii: ":") {
            return .element(.field(String(decoding: span.dropFirst(2), as: UTF8.self)))
        }
        let text: String
        if hasEscapes {
            // Only a string can stand between its quotes.
            guard let value = try? JSONParser.parse(Array(bytes[(start - 1)..<place])), let string = value.string else {
                throw unexpected()
            }
            text = string
        } else {
            text = String(decoding: span, as: UTF8.self)
        }
        return try FieldElement(fieldsV1: text).map { .element($0) } ?? .unknown
    }
}
