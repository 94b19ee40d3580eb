import KubeModel

/// `v1.PersistentVolume`: kept and checked; nothing provides, binds or reclaims volumes.
struct PersistentVolumeStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "PersistentVolume", "persistentvolumes", namespaced: false, short: ["pv"], hasStatus: true)
    let returnsDeletedObject = true

    private static let modes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]
    private static let sources = [
        "awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume", "flocker",
        "gcePersistentDisk", "glusterfs", "hostPath", "iscsi", "local", "nfs", "photonPersistentDisk", "portworxVolume",
        "quobyte", "rbd", "scaleIO", "storageos", "vsphereVolume",
    ]

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        ResourceRules.canonicalize(&object["spec"]["capacity"])
        object["status"] = ["phase": "Pending", "lastPhaseTransitionTime": .string(context.now.description)]
    }

    /// Plugin `StorageObjectInUseProtection`.
    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        StorageProtection.add(StorageFinalizers.volume, to: &object)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        ResourceRules.canonicalize(&object["spec"]["capacity"])
        object["status"] = old["status"]
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        if object.text("status", "phase") != old.text("status", "phase") {
            object["status"]["lastPhaseTransitionTime"] = .string(context.now.description)
        }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let spec = object["spec"] ?? [:]
        let path = FieldPath("spec")
        checkModes(spec["accessModes"]?.array ?? [], path.child("accessModes"), &errors)
        checkCapacity(spec["capacity"]?.object, path.child("capacity"), &errors)
        errors.oneOf(
            path.child("persistentVolumeReclaimPolicy"), spec.text("persistentVolumeReclaimPolicy"),
            ["Delete", "Recycle", "Retain"])
        errors.oneOf(path.child("volumeMode"), spec.text("volumeMode"), ["Block", "Filesystem"])
        checkSources(spec, path, &errors)
        if let affinity = spec.at("nodeAffinity") {
            if let required = affinity.at("required") {
                SchedulingRules.checkNodeSelector(required, path.child("nodeAffinity").child("required"), &errors)
            } else {
                errors.required(
                    path.child("nodeAffinity").child("required"), "must specify required node constraints")
            }
        }
        for key in ["storageClassName", "volumeAttributesClassName"] {
            let name = spec.text(key)
            if !name.isEmpty { errors.invalid(path.child(key), .string(name), Validation.dns1123Subdomain(name)) }
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        for key in Self.sources where !JSONValue.areEqual(object["spec"][key], old["spec"][key]) {
            errors.forbidden(
                FieldPath("spec", "persistentvolumesource"),
                "spec.persistentvolumesource is immutable after creation")
            break
        }
        errors.immutable(FieldPath("spec", "volumeMode"), object["spec"]["volumeMode"], old["spec"]["volumeMode"])
        if old.at("spec", "nodeAffinity") != nil {
            errors.immutable(
                FieldPath("spec", "nodeAffinity"), object["spec"]["nodeAffinity"], old["spec"]["nodeAffinity"])
        }
        return errors
    }

    private func checkModes(_ modes: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if modes.isEmpty { errors.required(path) }
        for mode in modes { errors.oneOf(path, mode.string ?? "", Self.modes) }
        if modes.count > 1, modes.contains("ReadWriteOncePod") {
            errors.forbidden(path, "may not use ReadWriteOncePod with other access modes")
        }
    }

    private func checkCapacity(_ capacity: JSONObject?, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let capacity, !capacity.isEmpty else { return errors.required(path) }
        if capacity["storage"] == nil || capacity.count > 1 {
            errors.append(.notSupported(path, .object(capacity), supported: ["storage"]))
        }
        for (name, value) in capacity {
            guard let quantity = ResourceRules.quantity(value) else {
                errors.invalid(path.key(name), value, Quantity.syntaxMessage)
                continue
            }
            if quantity.nanos <= 0 {
                errors.invalid(path.key(name), .string(quantity.description), "must be greater than zero")
            }
        }
    }

    private func checkSources(_ spec: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let given = Self.sources.filter { spec.at($0) != nil }
        if given.isEmpty { errors.required(path, "must specify a volume type") }
        for extra in given.dropFirst() {
            errors.forbidden(path.child(extra), "may not specify more than 1 volume type")
        }
        if spec.text("hostPath", "path") == "/", spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
            errors.forbidden(
                path.child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'")
        }
        for (source, keys) in [
            ("hostPath", ["path"]), ("nfs", ["server", "path"]), ("local", ["path"]),
            ("csi", ["driver", "volumeHandle"]),
        ] {
            guard let value = spec.at(source) else { continue }
            for key in keys where value.text(key).isEmpty {
                errors.required(path.child(source).child(key))
            }
        }
        if spec.at("local") != nil, spec.at("nodeAffinity") == nil {
            errors.required(FieldPath("metadata", "annotations"), "Local volume requires node affinity")
        }
    }
}
