import KubeModel

/// The keywords of a CustomResourceDefinition's schema, each by itself and with its neighbours
/// (`ValidateCustomResourceDefinitionOpenAPISchema`). Finds values of a wrong form too, which elsewhere can't be sent:
/// everything that reads schemas after this may rely on their shape.
enum SchemaRules {
    static func check(_ schema: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        var patterns = PatternCollection()
        check(schema, path, depth: 0, &patterns, &errors)
    }

    /// Deeper than any schema that means something.
    private static let depthLimit = 64
    private static let types = ["array", "boolean", "integer", "number", "object", "string"]

    private static func check(
        _ schema: JSONValue, _ path: FieldPath, depth: Int, _ patterns: inout PatternCollection,
        _ errors: inout [FieldError]
    ) {
        guard let object = schema.object else {
            errors.append(.typeInvalid(path, .string(schema.typeName), "must be a schema object"))
            return
        }
        guard depth < depthLimit else {
            errors.append(.tooMany(path, actual: depth, maximum: depthLimit))
            return
        }
        let before = errors.count
        for (keyword, value) in object { checkForm(keyword, value, path.child(keyword), &errors) }
        guard errors.count == before else { return }
        forbidden(object, path, &errors)
        let type = object["type"].string ?? ""
        if !type.isEmpty, type != "null", !types.contains(type) {
            errors.notSupported(path.child("type"), type, types)
        }
        if let pattern = object["pattern"].string, let problem = patterns.problem(pattern) {
            errors.invalid(
                path.child("pattern"), .string(pattern), "must be a valid regular expression, but isn't: \(problem)")
        }
        additionalProperties(object, path, &errors)
        if object["x-kubernetes-preserve-unknown-fields"] == false {
            errors.invalid(path.child("x-kubernetes-preserve-unknown-fields"), false, "must be true or undefined")
        }
        mapType(object, type, path, &errors)
        listType(object, type, path, &errors)
        for (name, property) in object["properties"].object ?? JSONObject() {
            check(property, path.child("properties").key(name), depth: depth + 1, &patterns, &errors)
        }
        for keyword in ["items", "additionalProperties", "not"] {
            if let inner = object[keyword], inner.object != nil {
                check(inner, path.child(keyword), depth: depth + 1, &patterns, &errors)
            }
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (object[keyword].array ?? []).enumerated() {
                check(inner, path.child(keyword).index(index), depth: depth + 1, &patterns, &errors)
            }
        }
    }

    // MARK: Form

    private static func checkForm(
        _ keyword: String, _ value: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let wanted: String
        switch keyword {
        case "type", "format", "pattern", "title", "description", "id", "$ref", "$schema", "x-kubernetes-list-type",
            "x-kubernetes-map-type":
            if value.string != nil { return }
            wanted = "string"
        case "nullable", "uniqueItems", "exclusiveMinimum", "exclusiveMaximum", "x-kubernetes-int-or-string",
            "x-kubernetes-embedded-resource", "x-kubernetes-preserve-unknown-fields":
            if value.bool != nil { return }
            wanted = "boolean"
        case "minimum", "maximum", "multipleOf":
            if value.double != nil { return }
            wanted = "number"
        case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
            guard let count = value.int else {
                wanted = "integer"
                break
            }
            if count < 0 { errors.invalid(path, value, "must be greater than or equal to 0") }
            return
        case "required", "x-kubernetes-list-map-keys":
            if let names = value.array, names.allSatisfy({ $0.string != nil }) { return }
            wanted = "array of strings"
        case "enum", "allOf", "anyOf", "oneOf", "x-kubernetes-validations":
            if value.array != nil { return }
            wanted = "array"
        case "properties", "patternProperties", "definitions", "dependencies", "not":
            if value.object != nil { return }
            wanted = "object"
        case "additionalProperties":
            if value.object != nil || value.bool != nil { return }
            wanted = "boolean or schema"
        case "items":
            if value.object != nil || value.array != nil { return }
            wanted = "schema"
        default: return
        }
        errors.append(.typeInvalid(path, .string(value.typeName), "must be of type \(wanted)"))
    }

    // MARK: Rules

    private static func forbidden(_ object: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        for keyword in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
            guard let value = object[keyword], value != "", value.object?.isEmpty != true else { continue }
            errors.forbidden(path.child(keyword), "\(keyword) is not supported")
        }
        if object["type"] == "null" { errors.forbidden(path.child("type"), "type cannot be set to null") }
        if object["items"].array != nil {
            errors.forbidden(path.child("items"), "items must be a schema object and not an array")
        }
        if object["uniqueItems"] == true {
            errors.forbidden(
                path.child("uniqueItems"),
                "uniqueItems cannot be set to true since the runtime complexity becomes quadratic")
        }
    }

    private static func additionalProperties(_ object: JSONObject, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let additional = object["additionalProperties"] else { return }
        let place = path.child("additionalProperties")
        if additional == false { errors.forbidden(place, "additionalProperties cannot be set to false") }
        if object["properties"].object?.isEmpty == false {
            errors.forbidden(place, "additionalProperties and properties are mutual exclusive")
        }
    }

    private static func mapType(_ object: JSONObject, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let mapType = object["x-kubernetes-map-type"].string else { return }
        requireType("object", type, "x-kubernetes-map-type", path, &errors)
        errors.oneOf(path.child("x-kubernetes-map-type"), mapType, ["atomic", "granular"])
    }

    private static func requireType(
        _ wanted: String, _ type: String, _ keyword: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        guard type != wanted else { return }
        let detail = "must be \(wanted) if \(keyword) is specified"
        if type.isEmpty {
            errors.required(path.child("type"), detail)
        } else {
            errors.invalid(path.child("type"), .string(type), detail)
        }
    }

    private static func listType(_ object: JSONObject, _ type: String, _ path: FieldPath, _ errors: inout [FieldError])
    {
        let listType = object["x-kubernetes-list-type"].string
        let keys = (object["x-kubernetes-list-map-keys"].array ?? []).compactMap(\.string)
        let typePath = path.child("x-kubernetes-list-type")
        if let listType {
            requireType("array", type, "x-kubernetes-list-type", path, &errors)
            errors.oneOf(typePath, listType, ["atomic", "map", "set"])
        }
        if !keys.isEmpty, listType != "map" {
            let detail = "must be map if x-kubernetes-list-map-keys is non-empty"
            if let listType {
                errors.invalid(typePath, .string(listType), detail)
            } else {
                errors.required(typePath, detail)
            }
        }
        let items = object["items"] ?? [:]
        if listType == "map" { mapKeys(object, keys, path, &errors) }
        guard listType == "map" || listType == "set", object["items"] != nil else { return }
        if items["nullable"] == true {
            errors.forbidden(
                path.child("items", "nullable"), "cannot be nullable when x-kubernetes-list-type is \(listType ?? "")")
        }
        guard listType == "set" else { return }
        let atomic = "must be atomic as item of a list with x-kubernetes-list-type=set"
        if items["type"] == "object", items["x-kubernetes-map-type"] != "atomic" {
            errors.invalid(
                path.child("items", "x-kubernetes-map-type"), items["x-kubernetes-map-type"] ?? .null, atomic)
        }
        if items["type"] == "array", let inner = items["x-kubernetes-list-type"], inner != "atomic" {
            errors.invalid(path.child("items", "x-kubernetes-list-type"), inner, atomic)
        }
    }

    private static func mapKeys(
        _ object: JSONObject, _ keys: [String], _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        let keysPath = path.child("x-kubernetes-list-map-keys")
        if keys.isEmpty { errors.required(keysPath, "must not be empty if x-kubernetes-list-type is map") }
        guard let items = object["items"] else {
            errors.required(path.child("items"), "must have a schema if x-kubernetes-list-type is map")
            return
        }
        if items["type"] != "object" {
            errors.invalid(
                path.child("items", "type"), items["type"] ?? "",
                "must be object if parent array's x-kubernetes-list-type is map")
        }
        let required = Set((items["required"].array ?? []).compactMap(\.string))
        for (index, key) in keys.enumerated() {
            if keys[..<index].contains(key) {
                errors.invalid(keysPath, JSONValue(keys), "must not contain duplicate entries")
            }
            guard let property = items["properties"][key] else {
                errors.invalid(keysPath, JSONValue(keys), "entries must all be names of item properties")
                continue
            }
            let place = path.child("items", "properties").key(key)
            if property["type"] == "array" || property["type"] == "object" {
                errors.invalid(
                    place.child("type"), property["type"] ?? "",
                    "must be a scalar type if parent array's x-kubernetes-list-type is map")
            }
            if !required.contains(key), property["default"] == nil {
                errors.required(
                    place.child("default"),
                    "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property"
                )
            }
            if property["nullable"] == true {
                errors.forbidden(
                    place.child("nullable"),
                    "this property is in x-kubernetes-list-map-keys, so it cannot be nullable")
            }
        }
    }
}
