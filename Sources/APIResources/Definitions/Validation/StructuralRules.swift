import KubeModel

/// Whether a schema is structural (KEP 20190425-structural-openapi): every part of a value has one place that says what
/// it is, and `allOf`, `anyOf`, `oneOf` and `not` only add rules about values.
enum StructuralRules {
    private enum Level {
        case root, field, item

        /// What is said of a missing type.
        var missing: String {
            switch self {
            case .root: "must not be empty at the root"
            case .field: "must not be empty for specified object fields"
            case .item: "must not be empty for specified array items"
            }
        }
    }

    static func check(_ schema: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        check(schema, .root, path, &errors)
        complete(schema, schema, path, path, &errors)
    }

    private static func check(_ schema: JSONValue, _ level: Level, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = schema["type"].string ?? ""
        let isIntOrString = schema["x-kubernetes-int-or-string"] == true
        let preserves = schema["x-kubernetes-preserve-unknown-fields"] == true
        let isEmbedded = schema["x-kubernetes-embedded-resource"] == true
        if type == "array", schema["items"] == nil { errors.required(path.child("items"), "must be specified") }
        if isIntOrString, preserves {
            errors.invalid(
                path.child("x-kubernetes-preserve-unknown-fields"), true,
                "must be false if x-kubernetes-int-or-string is true")
        }
        if isIntOrString, isEmbedded {
            errors.invalid(
                path.child("x-kubernetes-embedded-resource"), true,
                "must be false if x-kubernetes-int-or-string is true")
        }
        values(schema, skips: isIntOrString, path, &errors)
        if isEmbedded, type != "object" {
            let detail = "must be object if x-kubernetes-embedded-resource is true"
            if type.isEmpty {
                errors.required(path.child("type"), detail)
            } else {
                errors.invalid(path.child("type"), .string(type), detail)
            }
        } else if type.isEmpty, !isIntOrString, !preserves {
            errors.required(path.child("type"), level.missing)
        } else if isIntOrString, !type.isEmpty {
            errors.invalid(path.child("type"), .string(type), "must be empty if x-kubernetes-int-or-string is true")
        }
        if isEmbedded, schema["additionalProperties"] != nil {
            errors.forbidden(
                path.child("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set")
        }
        if isEmbedded, !preserves, schema["properties"].object?.isEmpty ?? true {
            errors.required(
                path.child("properties"),
                "must not be empty if x-kubernetes-embedded-resource is true without "
                    + "x-kubernetes-preserve-unknown-fields")
        }
        if level == .root {
            if !type.isEmpty, type != "object" {
                errors.invalid(path.child("type"), .string(type), "must be object at the root")
            }
            if schema["additionalProperties"] != nil {
                errors.forbidden(path.child("additionalProperties"), "must not be used at the root")
            }
        }
        if level == .root || isEmbedded { meta(schema, isRoot: level == .root, path, &errors) }
        for (name, property) in schema["properties"].object ?? JSONObject() {
            check(property, .field, path.child("properties").key(name), &errors)
        }
        if let items = schema["items"] { check(items, .item, path.child("items"), &errors) }
        if let additional = schema["additionalProperties"], additional.object != nil {
            check(additional, .field, path.child("additionalProperties"), &errors)
        }
    }

    /// `apiVersion`, `kind` and `metadata` are what they are in every object.
    private static func meta(_ schema: JSONValue, isRoot: Bool, _ path: FieldPath, _ errors: inout [FieldError]) {
        let properties = schema["properties"]
        for (name, type) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            guard let property = properties[name], property["type"].string != type else { continue }
            errors.invalid(
                path.child("properties").key(name).child("type"), property["type"] ?? "", "must be \(type)")
        }
        guard isRoot, let metadata = properties["metadata"]?.object else { return }
        let known: Set<String> = ["name", "generateName"]
        let names = metadata["properties"].object.map { Array($0.keys) } ?? []
        let others = metadata.keys.filter { !["type", "description", "title", "properties", "example"].contains($0) }
        if !names.allSatisfy(known.contains) || !others.isEmpty {
            errors.forbidden(
                path.child("properties").key("metadata"),
                "must not specify anything other than name and generateName, but metadata is implicitly specified")
        }
    }

    // MARK: Rules about values

    /// - Parameter skips: whether this is an integer or a string, whose `anyOf` may name the two types.
    private static func values(_ schema: JSONValue, skips: Bool, _ path: FieldPath, _ errors: inout [FieldError]) {
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (schema[keyword].array ?? []).enumerated() {
                if skips, keyword == "anyOf", isTypePattern(schema["anyOf"]) { continue }
                if skips, keyword == "allOf", index == 0, isTypePattern(inner["anyOf"]) { continue }
                nested(inner, path.child(keyword).index(index), &errors)
            }
        }
        if let inner = schema["not"] { nested(inner, path.child("not"), &errors) }
    }

    /// `anyOf: [{type: integer}, {type: string}]`.
    private static func isTypePattern(_ anyOf: JSONValue?) -> Bool {
        anyOf == [["type": "integer"], ["type": "string"]]
    }

    private static func nested(_ schema: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        values(schema, skips: false, path, &errors)
        for (keyword, detail) in forbiddenInside {
            guard let value = schema[keyword], value != false, value != "", value.array?.isEmpty != true else {
                continue
            }
            errors.forbidden(path.child(keyword), detail)
        }
        if schema["properties"]["metadata"] != nil {
            errors.forbidden(path.child("properties").key("metadata"), "must not be specified in a nested context")
        }
        for (name, property) in schema["properties"].object ?? JSONObject() {
            nested(property, path.child("properties").key(name), &errors)
        }
        if let items = schema["items"] { nested(items, path.child("items"), &errors) }
    }

    private static let forbiddenInside: [(String, String)] = [
        ("type", "must be empty to be structural"), ("additionalProperties", "must be undefined to be structural"),
        ("default", "must be undefined to be structural"), ("title", "must be empty to be structural"),
        ("description", "must be empty to be structural"), ("nullable", "must be false to be structural"),
        ("x-kubernetes-preserve-unknown-fields", "must be false to be structural"),
        ("x-kubernetes-embedded-resource", "must be false to be structural"),
        ("x-kubernetes-int-or-string", "must be false to be structural"),
        ("x-kubernetes-list-map-keys", "must be empty to be structural"),
        ("x-kubernetes-list-type", "must be undefined to be structural"),
        ("x-kubernetes-map-type", "must be undefined to be structural"),
        ("x-kubernetes-validations", "must be empty to be structural"),
    ]

    // MARK: Completeness

    /// Every field that a rule speaks of must be specified outside of the rules too.
    private static func complete(
        _ schema: JSONValue, _ structure: JSONValue, _ path: FieldPath, _ place: FieldPath,
        _ errors: inout [FieldError]
    ) {
        for (name, property) in schema["properties"].object ?? JSONObject() {
            let inner = path.child("properties").key(name)
            let target = place.child("properties").key(name)
            if let specified = structure["properties"][name] ?? values(of: structure) {
                complete(property, specified, inner, target, &errors)
            } else {
                errors.required(target, "because it is defined in \(inner)")
            }
        }
        if let items = schema["items"] {
            if let specified = structure["items"] {
                complete(items, specified, path.child("items"), place.child("items"), &errors)
            } else {
                errors.required(place.child("items"), "because it is defined in \(path.child("items"))")
            }
        }
        if let additional = schema["additionalProperties"], additional.object != nil {
            complete(
                additional, additional, path.child("additionalProperties"), place.child("additionalProperties"), &errors
            )
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for (index, inner) in (schema[keyword].array ?? []).enumerated() {
                complete(inner, structure, path.child(keyword).index(index), place, &errors)
            }
        }
        if let inner = schema["not"] { complete(inner, structure, path.child("not"), place, &errors) }
    }

    private static func values(of structure: JSONValue) -> JSONValue? {
        structure["additionalProperties"].flatMap { $0.object == nil ? nil : $0 }
    }
}
