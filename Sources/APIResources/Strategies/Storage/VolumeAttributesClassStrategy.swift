import KubeModel

/// `storage.k8s.io/v1.VolumeAttributesClass`: kept and checked; nothing acts on it.
struct VolumeAttributesClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "storage.k8s.io", "v1", "VolumeAttributesClass", "volumeattributesclasses", namespaced: false, short: ["vac"])
    let returnsDeletedObject = true

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        DriverNames.check(object.text("driverName"), FieldPath("driverName"), &errors)
        let parameters = object["parameters"]?.object ?? JSONObject()
        StorageParameters.check(parameters, FieldPath("parameters"), &errors)
        if parameters.isEmpty {
            errors.required(FieldPath("parameters"), "must contain at least one key/value pair")
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        if object["driverName"] != old["driverName"] {
            errors.forbidden(FieldPath("driverName"), "updates to driverName are forbidden.")
        }
        if !JSONValue.areEqual(object["parameters"], old["parameters"]) {
            errors.forbidden(FieldPath("parameters"), "updates to parameters are forbidden.")
        }
        return errors
    }
}
