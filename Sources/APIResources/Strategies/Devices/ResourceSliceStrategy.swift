import KubeModel

/// `resource.k8s.io/v1.ResourceSlice`: kept and checked; nothing acts on it.
struct ResourceSliceStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        DeviceClassStrategy.group, "v1", "ResourceSlice", "resourceslices", namespaced: false)
    let generationRule = GenerationRule.spec
    let selectableFieldNames = ["spec.driver", "spec.nodeName"]

    private static let mostDevices = 128

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(selectableFieldNames, from: object)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        DeviceRules.checkDriver(spec.text("driver"), path.child("driver"), &errors)
        let pool = spec.text("pool", "name")
        if pool.isEmpty { errors.required(path.child("pool").child("name")) }
        for step in pool.split(separator: "/", omittingEmptySubsequences: false) where !pool.isEmpty {
            errors.invalid(
                path.child("pool").child("name"), .string(pool), Validation.dns1123Subdomain(String(step)))
        }
        if (spec["pool"]["resourceSliceCount"].int ?? 0) <= 0 {
            errors.invalid(
                path.child("pool").child("resourceSliceCount"), spec["pool"]["resourceSliceCount"] ?? 0,
                "must be greater than zero")
        }
        errors.nonnegative(path.child("pool").child("generation"), spec["pool"]["generation"])
        let places = [
            !spec.text("nodeName").isEmpty, spec.at("nodeSelector") != nil, spec["allNodes"] == true,
            spec["perDeviceNodeSelection"] == true,
        ].count { $0 }
        let choice = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"
        if places == 0 { errors.required(path, choice) }
        if places > 1 { errors.invalid(path, .object(spec.object ?? JSONObject()), choice) }
        checkDevices(spec["devices"]?.array ?? [], path.child("devices"), &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        let path = FieldPath("spec")
        errors.immutable(path.child("driver"), object["spec"]["driver"], old["spec"]["driver"])
        errors.immutable(path.child("nodeName"), object["spec"]["nodeName"], old["spec"]["nodeName"])
        errors.immutable(
            path.child("pool").child("name"), object["spec"]["pool"]["name"], old["spec"]["pool"]["name"])
        return errors
    }

    private func checkDevices(_ devices: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if devices.count > Self.mostDevices { errors.tooMany(path, devices.count, Self.mostDevices) }
        var names: Set<String> = []
        for (index, device) in devices.enumerated() {
            let path = path.index(index)
            let name = device.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else {
                errors.invalid(path.child("name"), .string(name), Validation.dns1123Label(name))
                if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
            }
            for (attribute, value) in device["attributes"]?.object ?? JSONObject() {
                let forms = ["int", "bool", "string", "version", "ints", "bools", "strings", "versions"]
                if forms.count(where: { value.at($0) != nil }) != 1 {
                    errors.invalid(
                        path.child("attributes").key(attribute), value, "exactly one value must be specified")
                }
            }
        }
    }
}
