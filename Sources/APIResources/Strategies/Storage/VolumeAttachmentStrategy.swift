import KubeModel

/// `storage.k8s.io/v1.VolumeAttachment`: kept and checked; nothing acts on it.
struct VolumeAttachmentStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "storage.k8s.io", "v1", "VolumeAttachment", "volumeattachments", namespaced: false, hasStatus: true)
    let returnsDeletedObject = true

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        object["status"] = ["attached": false]
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let spec = object["spec"]
        DriverNames.check(spec["attacher"].string ?? "", path.child("attacher"), &errors)
        let source = spec["source"]
        let name = source["persistentVolumeName"].string
        switch (source["inlineVolumeSpec"]?.object, name) {
        case (nil, nil):
            errors.required(
                path.child("source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        case (.some, .some):
            errors.forbidden(
                path.child("source"), "must specify exactly one of inlineVolumeSpec and persistentVolumeName")
        case (nil, let name?):
            if name.isEmpty {
                errors.required(
                    path.child("source").child("persistentVolumeName"), "must specify non empty persistentVolumeName")
            }
        case (.some, nil): break
        }
        let node = spec["nodeName"].string ?? ""
        errors.invalid(path.child("nodeName"), .string(node), Validation.dns1123Subdomain(node))
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        errors.immutable(FieldPath("spec"), object["spec"], old["spec"])
        return errors
    }
}
