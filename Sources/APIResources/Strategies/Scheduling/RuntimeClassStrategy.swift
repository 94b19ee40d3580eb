import KubeModel

/// `node.k8s.io/v1.RuntimeClass`: kept and checked; nothing acts on it.
struct RuntimeClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "node.k8s.io", "v1", "RuntimeClass", "runtimeclasses", namespaced: false)

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let handler = object.text("handler")
        errors.invalid(FieldPath("handler"), .string(handler), Validation.dns1123Label(handler))
        if let cost = object["overhead"]["podFixed"].object {
            ResourceRules.check(cost, FieldPath("overhead", "podFixed"), &errors)
        }
        let scheduling = FieldPath("scheduling")
        for (key, value) in object["scheduling"]["nodeSelector"].object ?? JSONObject() {
            let path = scheduling.child("nodeSelector")
            errors.invalid(path, .string(key), Validation.qualifiedName(key))
            errors.invalid(path, value, Validation.labelValue(value.string ?? ""))
        }
        if let fields = object["scheduling"]?.object { SchedulingRules(path: scheduling).check(fields, &errors) }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(FieldPath("handler"), object["handler"], old["handler"])
        return errors
    }
}
