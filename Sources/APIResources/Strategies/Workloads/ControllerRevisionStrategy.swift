import KubeModel

/// `apps/v1 ControllerRevision`.
struct ControllerRevisionStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("apps", "v1", "ControllerRevision", "controllerrevisions")

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        if object.at("data") == nil { errors.required(FieldPath("data"), "data is mandatory") }
        errors.nonnegative(FieldPath("revision"), object["revision"])
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(FieldPath("data"), object["data"], old["data"])
        return errors
    }
}
