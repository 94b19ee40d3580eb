import KubeModel

/// `v1.PersistentVolumeClaim`: kept for those who ask; nothing here provides volumes.
struct PersistentVolumeClaimStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", short: ["pvc"], hasStatus: true)
    let generationRule = GenerationRule.none
    let returnsDeletedObject = true
    let emptyStatus: JSONValue = ["phase": "Pending"]
    let selectableFieldNames = ["spec.volumeName"]

    private static let modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(selectableFieldNames, from: object)
    }

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        for key in ["requests", "limits"] where object["spec"]["resources"][key] != nil {
            ResourceRules.canonicalize(&object["spec"]["resources"][key])
        }
    }

    /// Plugin `StorageObjectInUseProtection`.
    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        StorageProtection.add(StorageFinalizers.claim, to: &object)
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = FieldPath("spec")
        let modes = spec["accessModes"].array ?? []
        if modes.isEmpty {
            errors.required(path.child("accessModes"), "at least 1 access mode is required")
        }
        for mode in modes { errors.oneOf(path.child("accessModes"), mode.string ?? "", Self.modes) }
        if modes.count > 1, modes.contains("ReadWriteOncePod") {
            errors.forbidden(
                path.child("accessModes"), "may not use ReadWriteOncePod with other access modes")
        }
        if let selector = LabelSelector(document: spec["selector"]) {
            errors += Validation.labelSelector(selector, at: path.child("selector"))
        }
        if let storage = spec["resources"]["requests"]["storage"] {
            let storagePath = path.child("resources").key("storage")
            if let quantity = ResourceRules.quantity(storage) {
                if quantity.nanos <= 0 {
                    errors.invalid(storagePath, storage, "must be greater than zero")
                }
            } else {
                errors.invalid(storagePath, storage, Quantity.syntaxMessage)
            }
        } else {
            errors.required(path.child("resources").key("storage"))
        }
        if let mode = spec["volumeMode"].string {
            errors.oneOf(path.child("volumeMode"), mode, ["Block", "Filesystem"])
        }
        for key in ["storageClassName", "volumeAttributesClassName"] {
            if let name = spec[key].string, !name.isEmpty {
                errors.invalid(path.child(key), .string(name), Validation.dns1123Subdomain(name))
            }
        }
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        var before = old["spec"]
        var after = object["spec"]
        // A claim is bound once, may grow, and change its class of attributes.
        for key in ["resources", "volumeAttributesClassName"] {
            before[key] = nil
            after[key] = nil
        }
        if old.text("spec", "volumeName").isEmpty {
            before["volumeName"] = nil
            after["volumeName"] = nil
        }
        if old.at("spec", "storageClassName") == nil { after["storageClassName"] = nil }
        if before != after {
            errors.forbidden(
                FieldPath("spec"),
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound "
                    + "claims")
        }
        let path = FieldPath("spec", "resources", "requests", "storage")
        if let size = object["spec"]["resources"]["requests"]["storage"].flatMap(ResourceRules.quantity),
            let least = old["spec"]["resources"]["requests"]["storage"].flatMap(ResourceRules.quantity),
            size < least
        {
            errors.forbidden(path, "field can not be less than previous value")
        }
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        if let capacity = object["status"]["capacity"].object {
            ResourceRules.check(capacity, FieldPath("status", "capacity"), &errors)
        }
    }
}
