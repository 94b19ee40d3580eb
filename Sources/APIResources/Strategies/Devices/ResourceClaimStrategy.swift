import KubeModel

/// `resource.k8s.io/v1.ResourceClaim`: kept and checked; nothing allocates devices.
struct ResourceClaimStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        DeviceClassStrategy.group, "v1", "ResourceClaim", "resourceclaims", hasStatus: true)

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        object["status"] = [:]
        DeviceRules.setCounts(&object["spec"])
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["status"] = old["status"]
        DeviceRules.setCounts(&object["spec"])
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        DeviceRules.checkClaim(object["spec"] ?? [:], FieldPath("spec"), &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(FieldPath("spec"), object["spec"], old["spec"])
        return errors
    }
}
