import KubeModel

/// The OpenAPI v2 (Swagger) form of the OpenAPI v3 documents, which clients before Kubernetes 1.27 ask for.
///
/// Rendered as kube-apiserver renders its own `/openapi/v2`: one document for all group versions, a wrapper around a
/// reference becomes the reference with a description beside it, and what v2 has no word for (`oneOf`) goes.
struct OpenAPIv2Document {
    /// The whole document.
    let root: JSONValue

    /// Merges the v3 documents of all group versions. Schemas of the same name are taken to be equal.
    init(merging documents: [JSONValue]) {
        var definitions = JSONObject()
        var paths = JSONObject()
        for document in documents {
            for (name, schema) in document["components"]["schemas"].object ?? JSONObject()
            where definitions[name] == nil {
                definitions[name] = Self.schema(schema)
            }
            for (path, item) in document["paths"].object ?? JSONObject() {
                paths[path] = Self.pathItem(item)
            }
        }
        var root: JSONValue = ["swagger": "2.0"]
        root["info"] = documents.first?["info"] ?? ["title": "Martlet", "version": "v1"]
        root["paths"] = .object(paths)
        root["definitions"] = .object(definitions)
        root["securityDefinitions"] = documents.first?["components"]["securitySchemes"] ?? [:]
        root["security"] = documents.first?["security"] ?? []
        self.root = root
    }

    func encodedJSON() -> [UInt8] { root.encoded() }

    // MARK: Schemas

    private static let reference = "$ref"

    static func schema(_ schema: JSONValue) -> JSONValue {
        guard case .object(let object) = schema else { return schema }
        var result = JSONValue.object(JSONObject())
        for (key, value) in object {
            switch key {
            case reference:
                result[key] = .string(definition(value.string ?? ""))
            case "allOf":
                // kube-apiserver wraps a reference only to put a description or default beside it.
                if let inner = value.array, inner.count == 1, let target = inner[0][reference].string {
                    result[reference] = .string(definition(target))
                } else {
                    result[key] = .array((value.array ?? []).map(Self.schema))
                }
            case "oneOf" where object["type"] == nil && object["x-kubernetes-int-or-string"] == nil:
                // A number or text: v2 says "string" and leaves the rest to the format.
                result["type"] = "string"
            case "oneOf", "anyOf", "not", "nullable":
                // v2 has no word for these.
                break
            case "properties":
                var properties = JSONObject()
                for (name, property) in value.object ?? JSONObject() { properties[name] = Self.schema(property) }
                result[key] = .object(properties)
            case "items", "additionalProperties":
                result[key] = Self.schema(value)
            default:
                result[key] = value
            }
        }
        return result
    }

    private static func definition(_ target: String) -> String {
        "#/definitions/" + (target.split(separator: "/").last ?? "")
    }

    // MARK: Paths

    private static let methods: Set<String> = ["get", "put", "post", "delete", "options", "head", "patch"]

    private static func pathItem(_ item: JSONValue) -> JSONValue {
        var result = JSONValue.object(JSONObject())
        for (key, value) in item.object ?? JSONObject() {
            if methods.contains(key) {
                result[key] = operation(value)
            } else if key == "parameters" {
                result[key] = .array((value.array ?? []).map(parameter))
            } else {
                result[key] = value
            }
        }
        return result
    }

    private static func operation(_ operation: JSONValue) -> JSONValue {
        var result = operation
        var parameters = (operation["parameters"].array ?? []).map(parameter)
        if let body = operation["requestBody"] {
            let content = body["content"].object ?? JSONObject()
            result["requestBody"] = nil
            result["consumes"] = .array(content.map { .string($0.key) })
            var parameter: JSONValue = ["in": "body", "name": "body"]
            if body["required"].bool == true { parameter["required"] = true }
            let first = content.first { _ in true }
            parameter["schema"] = schema(first?.value["schema"] ?? [:])
            parameters.append(parameter)
        }
        if !parameters.isEmpty { result["parameters"] = .array(parameters) }
        var produces: [String] = []
        var responses = JSONObject()
        for (code, response) in operation["responses"].object ?? JSONObject() {
            var converted: JSONValue = ["description": response["description"] ?? ""]
            for (type, content) in response["content"].object ?? JSONObject() {
                if !produces.contains(type) { produces.append(type) }
                if converted["schema"] == nil { converted["schema"] = content["schema"].map(schema) }
            }
            responses[code] = converted
        }
        result["produces"] = .array(produces.map { .string($0) })
        result["responses"] = .object(responses)
        return result
    }

    private static func parameter(_ parameter: JSONValue) -> JSONValue {
        var result = parameter
        result["type"] = parameter["schema"]["type"] ?? "string"
        result["schema"] = nil
        return result
    }
}
