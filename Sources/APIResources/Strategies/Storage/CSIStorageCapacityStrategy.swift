import KubeModel

/// `storage.k8s.io/v1.CSIStorageCapacity`: kept and checked; nothing acts on it.
struct CSIStorageCapacityStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "storage.k8s.io", "v1", "CSIStorageCapacity", "csistoragecapacities")

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        if let selector = LabelSelector(document: object["nodeTopology"]) {
            errors += Validation.labelSelector(selector, at: FieldPath("nodeTopology"))
        }
        let name = object.text("storageClassName")
        errors.invalid(FieldPath("storageClassName"), .string(name), Validation.dns1123Subdomain(name))
        for key in ["capacity", "maximumVolumeSize"] {
            guard let value = object.at(key) else { continue }
            if let quantity = ResourceRules.quantity(value) {
                if quantity.nanos < 0 {
                    errors.invalid(
                        FieldPath(key), .string(quantity.description), "must be greater than or equal to 0")
                }
            } else {
                errors.invalid(FieldPath(key), value, Quantity.syntaxMessage)
            }
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        for key in ["nodeTopology", "storageClassName"] {
            errors.immutable(FieldPath(key), object[key], old[key])
        }
        return errors
    }
}
