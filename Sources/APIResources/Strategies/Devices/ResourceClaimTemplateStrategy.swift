import KubeModel

/// `resource.k8s.io/v1.ResourceClaimTemplate`: kept and checked; nothing makes claims from it.
struct ResourceClaimTemplateStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        DeviceClassStrategy.group, "v1", "ResourceClaimTemplate", "resourceclaimtemplates")

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        guard object.at("spec", "spec") != nil else { return }
        DeviceRules.setCounts(&object["spec"]["spec"])
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepareForCreate(&object, context)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        DeviceRules.checkClaim(object["spec"]["spec"] ?? [:], FieldPath("spec", "spec"), &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(FieldPath("spec"), object["spec"], old["spec"])
        return errors
    }
}
