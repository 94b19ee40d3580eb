package import KubeModel

/// Kubernetes' protobuf bodies → documents. Go clients since 1.32 send them for built-in kinds and do not fall back.
///
/// A body is the four bytes `k8s\0` and an `Unknown` message with the kind and the object's own message (API concepts,
/// "Kubernetes Protobuf encoding"). Unknown fields are skipped. Zero values of fields that are no pointers in Go count as
/// absent, as their `omitempty` JSON tags say.
package enum ProtobufDocument {
    package static let mediaType = "application/vnd.kubernetes.protobuf"

    package struct Malformed: Error {
        package let message: String
    }

    /// - Parameters:
    ///   - message: the message to expect, for bodies whose kind says nothing about it (DeleteOptions).
    ///   - kind: what a body is that does not say it.
    /// - Returns: nil for a kind whose fields are not known here.
    package static func parse(
        _ body: [UInt8], message: String? = nil, kind expected: GroupVersionKind? = nil
    ) throws(Malformed) -> JSONValue? {
        guard body.starts(with: magic) else { throw Malformed(message: "the body does not begin with k8s\\0") }
        var envelope = Reader(body[magic.count...])
        var apiVersion = ""
        var kind = ""
        var raw: ArraySlice<UInt8> = []
        while let (number, value) = try envelope.next() {
            guard case .bytes(let bytes) = value else { continue }
            switch number {
            case 1:
                let meta = try decode(bytes, "TypeMeta", depth: 0)
                apiVersion = meta["apiVersion"].string ?? ""
                kind = meta["kind"].string ?? ""
            case 2: raw = bytes
            default: break
            }
        }
        if apiVersion.isEmpty, kind.isEmpty, let expected { (apiVersion, kind) = (expected.apiVersion, expected.kind) }
        guard let name = message ?? ProtobufFields.kinds["\(apiVersion)/\(kind)"] else { return nil }
        var document: JSONObject = ["apiVersion": .string(apiVersion), "kind": .string(kind)]
        for (key, value) in try decode(raw, name, depth: 0) { document[key] = value }
        let value = JSONValue.object(document)
        // What JSON could not say could be kept and never be read again.
        guard !value.nests(deeperThan: maximumDepth) else { throw tooDeep }
        return value
    }

    package static let magic: [UInt8] = [0x6b, 0x38, 0x73, 0]

    /// Levels of messages, and of the document that they become, as of a JSON body.
    private static let maximumDepth = JSONParser.Limits().maximumDepth
    private static var tooDeep: Malformed { Malformed(message: "exceeded max depth") }

    /// What a message says in one of its fields. Each is gathered before it becomes part of the document: a field may come
    /// any number of times.
    private struct Part {
        enum Content {
            case value(JSONValue)
            case items([JSONValue])
            case entries(JSONObject)
            /// Pieces of one message: the later ones add to the first (protobuf encoding guide, "Last One Wins").
            case pieces([ArraySlice<UInt8>])
        }

        let number: UInt64
        let field: ProtobufFields.Field
        var content: Content
    }

    /// - Parameter depth: of the messages around this one.
    private static func decode(
        _ bytes: ArraySlice<UInt8>, _ message: String, depth: Int
    ) throws(Malformed) -> JSONObject {
        guard depth < maximumDepth else { throw tooDeep }
        let fields = ProtobufFields.messages[message] ?? [:]
        var reader = Reader(bytes)
        var parts: [Part] = []
        while let (number, wire) = try reader.next() {
            guard let field = fields[number] else { continue }
            // The same field follows itself, mostly; and there are few of them.
            let place =
                parts.last?.number == number
                ? parts.endIndex - 1 : parts.firstIndex { $0.number == number } ?? parts.endIndex
            if place == parts.endIndex { parts.append(Part(number: number, field: field, content: .value(.null))) }
            try add(wire, to: &parts[place], depth: depth)
        }
        var object = JSONObject(minimumCapacity: parts.count)
        for part in parts {
            switch part.content {
            case .value(.null): break
            case .value(let value):
                // JSON that is kept as it is says something even where it says `{}` or 0.
                if part.field.isPointer || part.field.shape == .json || !isZero(value) {
                    object[part.field.name] = value
                }
            case .items(let items): object[part.field.name] = .array(items)
            case .entries(let entries): object[part.field.name] = .object(entries)
            case .pieces(let pieces):
                guard case .message(let name) = part.field.shape else { continue }
                let whole = pieces.count == 1 ? pieces[0] : Array(pieces.joined())[...]
                let inner = try decode(whole, name, depth: depth + 1)
                if part.field.isInline {
                    for (key, value) in inner { object[key] = value }
                } else if part.field.isPointer || !inner.isEmpty {
                    object[part.field.name] = .object(inner)
                }
            }
        }
        return object
    }

    private static func add(_ wire: Reader.Value, to part: inout Part, depth: Int) throws(Malformed) {
        // What is there is taken out and put back: two owners of an array would copy it each time.
        let content = part.content
        part.content = .value(.null)
        switch part.field.shape {
        case .map(let shape):
            guard case .bytes(let entry) = wire else { return part.content = content }
            var entries = JSONObject()
            if case .entries(let known) = consume content { entries = known }
            let (key, value) = try mapEntry(entry, shape, depth: depth)
            entries[key] = value
            part.content = .entries(entries)
        case .message where !part.field.isRepeated:
            guard case .bytes(let bytes) = wire else {
                throw Malformed(message: "a field has another wire type than expected")
            }
            var pieces: [ArraySlice<UInt8>] = []
            if case .pieces(let known) = consume content { pieces = known }
            pieces.append(bytes)
            part.content = .pieces(pieces)
        case let shape where part.field.isRepeated:
            guard let value = try value(wire, shape, depth: depth) else { return part.content = content }
            var items: [JSONValue] = []
            if case .items(let known) = consume content { items = known }
            items.append(value)
            part.content = .items(items)
        case let shape:
            part.content = try value(wire, shape, depth: depth).map { .value($0) } ?? content
        }
    }

    private static func value(
        _ wire: Reader.Value, _ shape: ProtobufFields.Shape, depth: Int
    ) throws(Malformed) -> JSONValue? {
        switch (shape, wire) {
        case (.string, .bytes(let bytes)): return .string(try text(bytes))
        case (.bytes, .bytes(let bytes)): return .string(Base64.encode(Array(bytes)))
        case (.bool, .varint(let number)): return .bool(number != 0)
        case (.integer, .varint(let number)): return .integer(Int64(bitPattern: number))
        case (.time, .bytes(let bytes)): return try time(bytes, hasMicroseconds: false)
        case (.microTime, .bytes(let bytes)): return try time(bytes, hasMicroseconds: true)
        case (.intOrString, .bytes(let bytes)): return try intOrString(bytes)
        case (.quantity, .bytes(let bytes)): return .string(try text(try firstField(bytes)))
        case (.json, .bytes(let bytes)): return try json(try firstField(bytes))
        case (.double, .double(let number)): return number.isFinite ? .number(number) : nil
        case (.schemaOr(let other), .bytes(let bytes)): return try schema(bytes, or: other, depth: depth + 1)
        case (.strings, .bytes(let bytes)): return .array(try strings(bytes))
        case (.message(let name), .bytes(let bytes)): return .object(try decode(bytes, name, depth: depth + 1))
        default: throw Malformed(message: "a field has another wire type than expected")
        }
    }

    private static func isZero(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false), .integer(0), .string(""): true
        case .object(let object): object.isEmpty
        default: false
        }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Malformed(message: "a string is not UTF-8")
        }
        return text
    }

    private static func mapEntry(
        _ bytes: ArraySlice<UInt8>, _ shape: ProtobufFields.Shape, depth: Int
    ) throws(Malformed) -> (String, JSONValue) {
        var reader = Reader(bytes)
        var key = ""
        var entry: JSONValue = ""
        while let (number, wire) = try reader.next() {
            if number == 1, case .bytes(let bytes) = wire { key = try text(bytes) }
            if number == 2 { entry = try value(wire, shape, depth: depth + 1) ?? .null }
        }
        return (key, entry)
    }

    /// The one field of Quantity (its text), RawExtension and FieldsV1 (JSON).
    private static func firstField(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> ArraySlice<UInt8> {
        var reader = Reader(bytes)
        var result: ArraySlice<UInt8> = []
        while let (number, wire) = try reader.next() {
            if number == 1, case .bytes(let bytes) = wire { result = bytes }
        }
        return result
    }

    /// JSONSchemaPropsOrBool, …OrArray and …OrStringArray: a schema, or something else.
    private static func schema(
        _ bytes: ArraySlice<UInt8>, or other: ProtobufFields.SchemaAlternative, depth: Int
    ) throws(Malformed) -> JSONValue {
        var reader = Reader(bytes)
        var schema: JSONValue?
        var items: [JSONValue] = []
        var isAllowed = false
        while let (number, wire) = try reader.next() {
            switch (other, number, wire) {
            case (.bool, 1, .varint(let flag)): isAllowed = flag != 0
            case (.bool, 2, .bytes(let bytes)), (.array, 1, .bytes(let bytes)), (.strings, 1, .bytes(let bytes)):
                schema = .object(try decode(bytes, "JSONSchemaProps", depth: depth))
            case (.array, 2, .bytes(let bytes)):
                items.append(.object(try decode(bytes, "JSONSchemaProps", depth: depth)))
            case (.strings, 2, .bytes(let bytes)): items.append(.string(try text(bytes)))
            default: break
            }
        }
        return schema ?? (other == .bool ? .bool(isAllowed) : .array(items))
    }

    /// The repeated first field of a message (`ExtraValue`).
    private static func strings(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> [JSONValue] {
        var reader = Reader(bytes)
        var result: [JSONValue] = []
        while let (number, wire) = try reader.next() {
            if number == 1, case .bytes(let bytes) = wire { result.append(.string(try text(bytes))) }
        }
        return result
    }

    private static func json(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> JSONValue? {
        guard !bytes.isEmpty else { return nil }
        do {
            return try JSONParser.parse(Array(bytes))
        } catch {
            throw Malformed(message: "a field that holds JSON does not: \(error)")
        }
    }

    /// Two numbers of a message like Time: seconds and nanoseconds, or IntOrString's type and number.
    private static func numbers(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> (UInt64, UInt64, ArraySlice<UInt8>) {
        var reader = Reader(bytes)
        var first: UInt64 = 0
        var second: UInt64 = 0
        var text: ArraySlice<UInt8> = []
        while let (number, wire) = try reader.next() {
            switch (number, wire) {
            case (1, .varint(let value)): first = value
            case (2, .varint(let value)): second = value
            case (3, .bytes(let bytes)): text = bytes
            default: break
            }
        }
        return (first, second, text)
    }

    /// nil for Go's zero time, which is an empty message.
    private static func time(_ bytes: ArraySlice<UInt8>, hasMicroseconds: Bool) throws(Malformed) -> JSONValue? {
        guard !bytes.isEmpty else { return nil }
        let (seconds, nanoseconds, _) = try numbers(bytes)
        // Beyond the year 9999 there is no RFC 3339 text.
        guard (-62_135_596_800...253_402_300_799).contains(Int64(bitPattern: seconds)), nanoseconds < 1_000_000_000
        else {
            throw Malformed(message: "a time is out of range")
        }
        let whole = Int64(bitPattern: seconds)
        guard hasMicroseconds else { return .string(Timestamp(secondsSinceEpoch: whole).description) }
        return .string(MicroTime(microsecondsSinceEpoch: whole * 1_000_000 + Int64(nanoseconds) / 1000).description)
    }

    private static func intOrString(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> JSONValue {
        let (type, number, string) = try numbers(bytes)
        if type == 1 { return .string(try text(string)) }
        return .integer(Int64(bitPattern: number))
    }
}

/// A walk over the fields of one message (protobuf encoding guide).
private struct Reader {
    enum Value {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        case double(Double)
        /// 32 bits, which no message here uses.
        case fixed
    }

    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    mutating func next() throws(ProtobufDocument.Malformed) -> (number: UInt64, value: Value)? {
        guard !rest.isEmpty else { return nil }
        let tag = try varint()
        guard tag >> 3 > 0 else { throw ProtobufDocument.Malformed(message: "illegal tag \(tag >> 3)") }
        switch tag & 7 {
        case 0: return (tag >> 3, .varint(try varint()))
        case 1:
            let bits = try take(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            return (tag >> 3, .double(Double(bitPattern: bits)))
        case 2: return (tag >> 3, .bytes(try take(try varint())))
        case 5:
            _ = try take(4)
            return (tag >> 3, .fixed)
        default: throw ProtobufDocument.Malformed(message: "an unknown wire type")
        }
    }

    private mutating func varint() throws(ProtobufDocument.Malformed) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let byte = rest.popFirst() else { break }
            value |= UInt64(byte & 0x7f) << shift
            if byte & 0x80 == 0 { return value }
        }
        throw ProtobufDocument.Malformed(message: "a number is cut off")
    }

    private mutating func take(_ count: UInt64) throws(ProtobufDocument.Malformed) -> ArraySlice<UInt8> {
        guard count <= UInt64(rest.count) else { throw ProtobufDocument.Malformed(message: "a field is cut off") }
        let bytes = rest.prefix(Int(count))
        rest = rest.dropFirst(Int(count))
        return bytes
    }
}
