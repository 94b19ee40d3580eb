import KubeModel

/// Defaults must be what they are after pruning, and fit their own schema (`structuraldefaulting.ValidateDefaults`).
///
/// Each is completed by those inside of it first, which multiply: of all defaults of a schema together, so many bytes are
/// made and no more. Those that this leaves out are looked at for fields that the schema does not have, and for the rest in the
/// objects that get them, which are bounded as well.
struct DefaultRules {
    /// In bytes of JSON; the defaults of large public definitions make some ten thousand.
    static let limit = 1 << 20

    private var room = DefaultRules.limit

    /// - Parameter compiled: of `schema`.
    /// - Returns: the bytes that defaults have added to defaults.
    @discardableResult
    static func check(
        _ schema: JSONValue, _ compiled: Schema, _ path: FieldPath, _ errors: inout [FieldError]
    ) -> Int {
        var rules = DefaultRules()
        rules.visit(schema, compiled, path, isRoot: true, &errors)
        return limit - rules.room
    }

    private mutating func visit(
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

    private mutating func checkDefault(
        _ value: JSONValue, _ compiled: Schema, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        var pruned = value
        if !compiled.pruneMember(&pruned).isEmpty {
            errors.invalid(path, value, "must not have unknown fields")
            return
        }
        var whole = pruned
        guard compiled.applyDefaults(&whole, room: &room) else { return }
        let found = compiled.validate(whole, at: path)
        errors += found
        if found.isEmpty, compiled.hasRules { errors += compiled.ruleErrors(whole, old: nil, at: path) }
    }
}
