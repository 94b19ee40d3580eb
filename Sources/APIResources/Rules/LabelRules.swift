import KubeModel

/// The rules of label maps outside of `metadata`: selectors, topology.
enum LabelRules {
    static func check(_ labels: JSONObject, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        for (key, value) in labels {
            errors.invalid(path, .string(key), Validation.qualifiedName(key))
            errors.invalid(path.key(key), value, Validation.labelValue(value.string ?? ""))
        }
        return errors
    }
}
