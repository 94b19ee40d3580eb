import KubeModel

/// `storage.k8s.io/v1.StorageClass`: kept and checked; nothing provides volumes.
struct StorageClassStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "storage.k8s.io", "v1", "StorageClass", "storageclasses", namespaced: false, short: ["sc"])
    let returnsDeletedObject = true

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let provisioner = object.text("provisioner")
        if provisioner.isEmpty {
            errors.required(FieldPath("provisioner"))
        } else {
            errors.invalid(
                FieldPath("provisioner"), .string(provisioner), Validation.qualifiedName(provisioner.lowercased()))
        }
        StorageParameters.check(object["parameters"]?.object, FieldPath("parameters"), &errors)
        errors.oneOf(FieldPath("reclaimPolicy"), object.text("reclaimPolicy"), ["Delete", "Retain"])
        errors.oneOf(
            FieldPath("volumeBindingMode"), object.text("volumeBindingMode"), ["Immediate", "WaitForFirstConsumer"])
        for (index, term) in (object["allowedTopologies"]?.array ?? []).enumerated() {
            let path = FieldPath("allowedTopologies").index(index).child("matchLabelExpressions")
            for (index, item) in (term["matchLabelExpressions"]?.array ?? []).enumerated() {
                let path = path.index(index)
                if (item["values"]?.array ?? []).isEmpty { errors.required(path.child("values")) }
                let key = item.text("key")
                errors.invalid(path.child("key"), .string(key), Validation.qualifiedName(key))
            }
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        for key in ["parameters", "provisioner", "reclaimPolicy"] where !JSONValue.areEqual(object[key], old[key]) {
            errors.forbidden(FieldPath(key), "updates to \(key) are forbidden.")
        }
        errors.immutable(FieldPath("volumeBindingMode"), object["volumeBindingMode"], old["volumeBindingMode"])
        return errors
    }
}
