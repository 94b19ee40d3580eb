import APIResources
import KubeModel

/// The gnostic protocol buffer form (`openapi.v2.Document` of google/gnostic `openapiv2/OpenAPIv2.proto`), which older
/// versions of `kubectl` take instead of JSON. Field numbers are those of that file.
extension OpenAPIv2Document {
    /// The media type of `encodedProtobuf()`.
    static let protobufMediaType = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

    func encodedProtobuf() -> [UInt8] {
        var document = ProtobufWriter()
        document.write(root["swagger"].string, field: 1)
        document.message(field: 2) { info in
            info.write(root["info"]["title"].string, field: 1)
            info.write(root["info"]["version"].string, field: 2)
            info.write(root["info"]["description"].string, field: 3)
        }
        document.message(field: 8) { paths in
            for (path, item) in root["paths"].object ?? JSONObject() {
                paths.message(field: 2) { entry in
                    entry.write(path, field: 1)
                    entry.message(field: 2) { $0.writePathItem(item) }
                }
            }
        }
        document.message(field: 9) { $0.writeNamedSchemas(root["definitions"]) }
        for requirement in root["security"].array ?? [] {
            document.message(field: 12) { entry in
                for (name, scopes) in requirement.object ?? JSONObject() {
                    entry.message(field: 1) { named in
                        named.write(name, field: 1)
                        named.message(field: 2) { $0.writeStrings(scopes, field: 1) }
                    }
                }
            }
        }
        document.message(field: 13) { definitions in
            for (name, scheme) in root["securityDefinitions"].object ?? JSONObject() {
                definitions.message(field: 1) { entry in
                    entry.write(name, field: 1)
                    entry.message(field: 2) { item in
                        item.message(field: 2) { key in
                            key.write(scheme["type"].string, field: 1)
                            key.write(scheme["name"].string, field: 2)
                            key.write(scheme["in"].string, field: 3)
                            key.write(scheme["description"].string, field: 4)
                        }
                    }
                }
            }
        }
        return document.buffer
    }
}

extension ProtobufWriter {
    fileprivate mutating func writeStrings(_ values: JSONValue?, field: Int) {
        for value in values.array ?? [] { write(value.string, field: field) }
    }

    /// gnostic's `Any`: the value as YAML, of which JSON is a part.
    private mutating func writeAny(_ value: JSONValue?, field: Int) {
        guard let value else { return }
        message(field: field) { $0.write(utf8: value.encoded(), field: 2) }
    }

    private mutating func writeExtensions(_ value: JSONValue, field: Int) {
        for (name, content) in value.object ?? JSONObject() where name.hasPrefix("x-") {
            message(field: field) { entry in
                entry.write(name, field: 1)
                entry.writeAny(content, field: 2)
            }
        }
    }

    fileprivate mutating func writeNamedSchemas(_ schemas: JSONValue?) {
        for (name, schema) in schemas.object ?? JSONObject() {
            message(field: 1) { entry in
                entry.write(name, field: 1)
                entry.message(field: 2) { $0.writeSchema(schema) }
            }
        }
    }

    private mutating func writeSchema(_ schema: JSONValue) {
        write(schema["$ref"].string, field: 1)
        write(schema["format"].string, field: 2)
        write(schema["title"].string, field: 3)
        write(schema["description"].string, field: 4)
        writeAny(schema["default"], field: 5)
        write(schema["maximum"].double, field: 7)
        write(schema["minimum"].double, field: 9)
        write(schema["maxLength"].int, field: 11)
        write(schema["minLength"].int, field: 12)
        write(schema["pattern"].string, field: 13)
        write(schema["maxItems"].int, field: 14)
        write(schema["minItems"].int, field: 15)
        writeStrings(schema["required"], field: 19)
        for value in schema["enum"].array ?? [] { writeAny(value, field: 20) }
        if let additional = schema["additionalProperties"] {
            message(field: 21) { item in
                if additional.object != nil {
                    item.message(field: 1) { $0.writeSchema(additional) }
                } else {
                    item.write(additional.bool, field: 2)
                }
            }
        }
        if let type = schema["type"].string { message(field: 22) { $0.write(type, field: 1) } }
        if let items = schema["items"] {
            message(field: 23) { list in list.message(field: 1) { $0.writeSchema(items) } }
        }
        for part in schema["allOf"].array ?? [] { message(field: 24) { $0.writeSchema(part) } }
        if let properties = schema["properties"] { message(field: 25) { $0.writeNamedSchemas(properties) } }
        writeExtensions(schema, field: 31)
    }

    fileprivate mutating func writePathItem(_ item: JSONValue) {
        let methods = ["get": 2, "put": 3, "post": 4, "delete": 5, "options": 6, "head": 7, "patch": 8]
        for (name, operation) in item.object ?? JSONObject() {
            guard let field = methods[name] else { continue }
            message(field: field) { $0.writeOperation(operation) }
        }
        for parameter in item["parameters"].array ?? [] { message(field: 9) { $0.writeParameter(parameter) } }
        writeExtensions(item, field: 10)
    }

    private mutating func writeOperation(_ operation: JSONValue) {
        writeStrings(operation["tags"], field: 1)
        write(operation["description"].string, field: 3)
        write(operation["operationId"].string, field: 5)
        writeStrings(operation["produces"], field: 6)
        writeStrings(operation["consumes"], field: 7)
        for parameter in operation["parameters"].array ?? [] { message(field: 8) { $0.writeParameter(parameter) } }
        message(field: 9) { responses in
            for (code, response) in operation["responses"].object ?? JSONObject() {
                responses.message(field: 1) { entry in
                    entry.write(code, field: 1)
                    entry.message(field: 2) { value in value.message(field: 1) { $0.writeResponse(response) } }
                }
            }
        }
        writeExtensions(operation, field: 13)
    }

    private mutating func writeResponse(_ response: JSONValue) {
        write(response["description"].string, field: 1)
        if let schema = response["schema"] {
            message(field: 2) { item in item.message(field: 1) { $0.writeSchema(schema) } }
        }
    }

    /// A `ParametersItem` that holds a `Parameter`.
    private mutating func writeParameter(_ parameter: JSONValue) {
        message(field: 1) { item in
            if parameter["in"].string == "body" {
                item.message(field: 1) { body in
                    body.write(parameter["description"].string, field: 1)
                    body.write(parameter["name"].string, field: 2)
                    body.write(parameter["in"].string, field: 3)
                    body.write(parameter["required"].bool, field: 4)
                    if let schema = parameter["schema"] { body.message(field: 5) { $0.writeSchema(schema) } }
                }
                return
            }
            // Query and path parameters begin with the same fields; the query's has one more before the type.
            let isPath = parameter["in"].string == "path"
            item.message(field: 2) { choice in
                choice.message(field: isPath ? 4 : 3) { value in
                    value.write(parameter["required"].bool, field: 1)
                    value.write(parameter["in"].string, field: 2)
                    value.write(parameter["description"].string, field: 3)
                    value.write(parameter["name"].string, field: 4)
                    value.write(parameter["type"].string, field: isPath ? 5 : 6)
                }
            }
        }
    }
}
