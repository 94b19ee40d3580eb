import KubeModel

/// What ConfigMaps and Secrets have in common: a size limit and the `immutable` switch.
enum ImmutableData {
    /// Bytes of all values together: 1 MiB.
    static let maxSize = 1 << 20

    static func check(_ object: JSONValue, from old: JSONValue, _ fields: [String]) -> [FieldError] {
        guard old["immutable"]?.bool == true else { return [] }
        let message = "field is immutable when `immutable` is set"
        var errors: [FieldError] = []
        if object["immutable"]?.bool != true { errors.forbidden(FieldPath("immutable"), message) }
        for field in fields where !JSONValue.areEqual(object[field], old[field]) {
            errors.forbidden(FieldPath(field), message)
        }
        return errors
    }
}
