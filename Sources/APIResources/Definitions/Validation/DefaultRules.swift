import KubeModel

/// Defaults must be what they are after pruning, and fit their own schema (`structuraldefaulting.ValidateDefaults`).
enum DefaultRules {
    /// - Parameter compiled: of `schema`.
    static func check(_ schema: JSONValue, _ compiled: Schema, _ path: FieldPath, _ errors: inout [FieldError]) {
        visit(schema, compiled, path, isRoot: true, &errors)
    }

    private static func visit(
        _ schema: JSONValue, _ compiled: Schema, _ path: FieldPath, isRoot: Bool, _ errors: inout [FieldError]
    ) {
        if let value = schema["default"], !value.isNull {
            let place = path.child("default")
            if isRoot {
                errors.forbidden(place, "must not be set at the root")
            } else {
                checkDefault(value, compiled, place, &errors)
            }
        }
        for (name, property) in schema["properties"].object ?? JSONObject() {
            guard let inner = compiled.property(name) else { continue }
            // Metadata has no defaults.
            if isRoot, ["apiVersion", "kind", "metadata"].contains(name) {
                if property["default"] != nil {
                    errors.forbidden(path.child("properties").key(name).child("default"), "must not be set")
                }
                continue
            }
            visit(property, inner, path.child("properties").key(name), isRoot: false, &errors)
        }
        if let items = schema["items"], let inner = compiled.items {
            visit(items, inner, path.child("items"), isRoot: false, &errors)
        }
        if let additional = schema["additionalProperties"], let inner = compiled.additionalProperties {
            visit(additional, inner, path.child("additionalProperties"), isRoot: false, &errors)
        }
    }

    private static func checkDefault(
        _ value: JSONValue, _ compiled: Schema, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        var pruned = value
        if !compiled.pruneMember(&pruned).isEmpty {
            errors.invalid(path, value, "must not have unknown fields")
            return
        }
        var whole = pruned
        compiled.applyDefaults(&whole)
        let found = compiled.validate(whole, at: path)
        errors += found
        if found.isEmpty, compiled.hasRules { errors += compiled.ruleErrors(whole, old: nil, at: path) }
    }
}
