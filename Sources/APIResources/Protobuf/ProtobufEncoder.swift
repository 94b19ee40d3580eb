package import KubeModel

/// Documents → Kubernetes' protobuf, by the same tables that bodies are read with (API concepts, "Kubernetes Protobuf
/// encoding"). A whole answer is the four bytes `k8s\0` and an `Unknown` message with kind and object; the events of a
/// watch are `WatchEvent` messages behind their length.
///
/// Fields that the tables do not know are left out, as a client of another version would leave them out; values of a type
/// that does not fit too, so that what is sent can always be read.
package enum ProtobufEncoder {
    /// A whole answer with a document that says of what kind it is; one without a message is an empty one.
    package static func answer(_ document: JSONValue) -> [UInt8] {
        // The list of an API's versions is older than the field.
        let (apiVersion, kind) = (document["apiVersion"].string ?? "v1", document["kind"].string ?? "")
        let name = ProtobufFields.kinds["\(apiVersion)/\(kind)"] ?? ProtobufFields.shared[kind] ?? ""
        return envelope(apiVersion: apiVersion, kind: kind, message(document.object ?? JSONObject(), named: name))
    }

    /// An answer: the envelope around a message of this kind.
    package static func envelope(apiVersion: String, kind: String, _ message: [UInt8]) -> [UInt8] {
        envelopeHead(apiVersion: apiVersion, kind: kind, messageSize: message.count) + message
    }

    /// What stands before a message of `messageSize` bytes, so that bytes others share need not be copied behind it.
    package static func envelopeHead(apiVersion: String, kind: String, messageSize: Int) -> [UInt8] {
        var type = ProtobufWriter()
        type.text(apiVersion, 1)
        type.text(kind, 2)
        var unknown = ProtobufWriter()
        unknown.bytes(type.buffer, 1)
        unknown.head(of: messageSize, 2)
        return ProtobufDocument.magic + unknown.buffer
    }

    /// The pieces of a list's answer: between heads stand the messages of the items as they were given.
    package static func listAnswer(apiVersion: String, kind: String, metadata: JSONValue, items: [[UInt8]]) -> [[UInt8]]
    {
        var start = ProtobufWriter()
        start.bytes(message(metadata.object ?? JSONObject(), named: "ListMeta"), 1)
        let heads = items.map { item in
            var head = ProtobufWriter()
            head.head(of: item.count, 2)
            return head.buffer
        }
        let size = zip(heads, items).reduce(start.buffer.count) { $0 + $1.0.count + $1.1.count }
        var pieces: [[UInt8]] = []
        pieces.reserveCapacity(2 * items.count + 1)
        pieces.append(envelopeHead(apiVersion: apiVersion, kind: kind, messageSize: size) + start.buffer)
        for (head, item) in zip(heads, items) {
            pieces.append(head)
            pieces.append(item)
        }
        return pieces
    }

    /// One event of a watch, with its length in front: `object` is a whole answer.
    package static func event(type: String, object: [UInt8]) -> [UInt8] {
        var raw = ProtobufWriter()
        raw.bytes(object, 1)
        var event = ProtobufWriter()
        event.text(type, 1)
        event.bytes(raw.buffer, 2)
        let count = UInt32(event.buffer.count)
        return withUnsafeBytes(of: count.bigEndian, Array.init) + event.buffer
    }

    // MARK: - Messages

    package static func message(_ object: JSONObject, named name: String) -> [UInt8] {
        var output = ProtobufWriter()
        write(object, ProtobufFields.byName[name] ?? [:], &output)
        return output.buffer
    }

    private static func write(
        _ object: JSONObject, _ fields: [String: ProtobufFields.NumberedField], _ output: inout ProtobufWriter
    ) {
        // Inlined messages gather here; most messages have none.
        var inlined: [UInt64: (message: String, object: JSONObject)] = [:]
        for (key, value) in object {
            guard let field = fields[key], value != .null else { continue }
            if let inline = field.inline {
                inlined[inline.number, default: (inline.message, JSONObject())].object[key] = value
                continue
            }
            write(value, field, &output)
        }
        for (number, part) in inlined.sorted(by: { $0.key < $1.key }) {
            output.bytes(message(part.object, named: part.message), number)
        }
    }

    private static func write(_ value: JSONValue, _ field: ProtobufFields.NumberedField, _ output: inout ProtobufWriter)
    {
        if case .map(let shape) = field.shape {
            for (key, value) in value.object ?? JSONObject() {
                var entry = ProtobufWriter()
                entry.text(key, 1)
                write(value, shape, 2, &entry)
                output.bytes(entry.buffer, field.number)
            }
        } else if field.isRepeated {
            for item in value.array ?? [] { write(item, field.shape, field.number, &output) }
        } else {
            write(value, field.shape, field.number, &output)
        }
    }

    private static func write(
        _ value: JSONValue, _ shape: ProtobufFields.Shape, _ number: UInt64, _ output: inout ProtobufWriter
    ) {
        switch (shape, value) {
        case (.string, .string(let text)): output.text(text, number)
        case (.bytes, .string(let text)):
            if let bytes = Base64.decode(text) { output.bytes(bytes, number) }
        case (.bool, .bool(let flag)): output.integer(flag ? 1 : 0, number)
        case (.integer, .integer(let integer)): output.integer(integer, number)
        case (.integer, .number(let double)):
            if let integer = Int64(exactly: double) { output.integer(integer, number) }
        case (.double, .integer(let integer)): output.double(Double(integer), number)
        case (.double, .number(let double)): output.double(double, number)
        case (.time, .string(let text)):
            if let time = Timestamp(text) { output.time(time.secondsSinceEpoch, 0, number) }
        case (.microTime, .string(let text)):
            if let time = MicroTime(text) {
                let micros = time.microsecondsSinceEpoch
                let seconds = Int64((Double(micros) / 1_000_000).rounded(.down))
                output.time(seconds, (micros - seconds * 1_000_000) * 1000, number)
            }
        case (.intOrString, _): output.bytes(intOrString(value), number)
        case (.quantity, _): output.wrapped(Array((value.string ?? value.description).utf8), number)
        case (.json, _): output.wrapped(value.encoded(), number)
        case (.strings, .array(let items)):
            var list = ProtobufWriter()
            for item in items { list.text(item.string ?? "", 1) }
            output.bytes(list.buffer, number)
        case (.schemaOr(let other), _): output.bytes(schema(value, or: other), number)
        case (.message(let name), .object(let object)): output.bytes(message(object, named: name), number)
        default: break
        }
    }

    private static func intOrString(_ value: JSONValue) -> [UInt8] {
        var output = ProtobufWriter()
        if let text = value.string {
            output.integer(1, 1)
            output.text(text, 3)
        } else {
            output.integer(Int64(value.int ?? 0), 2)
        }
        return output.buffer
    }

    /// JSONSchemaPropsOrBool, …OrArray and …OrStringArray: a schema, or something else.
    private static func schema(_ value: JSONValue, or other: ProtobufFields.SchemaAlternative) -> [UInt8] {
        var output = ProtobufWriter()
        let schema = value.object.map { message($0, named: "JSONSchemaProps") }
        switch other {
        case .bool:
            output.integer(value == false ? 0 : 1, 1)
            if let schema { output.bytes(schema, 2) }
        case .array, .strings:
            if let schema { output.bytes(schema, 1) }
            for item in value.array ?? [] {
                if other == .strings {
                    output.text(item.string ?? "", 2)
                } else {
                    output.bytes(message(item.object ?? JSONObject(), named: "JSONSchemaProps"), 2)
                }
            }
        }
        return output.buffer
    }
}
