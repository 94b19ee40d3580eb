import KubeModel

/// `v1.ConfigMap`.
struct ConfigMapStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("", "v1", "ConfigMap", "configmaps", short: ["cm"])

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        ImmutableData.check(object, from: old, ["data", "binaryData"]) + validate(object, context)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var size = 0
        let texts = object["data"]?.object ?? JSONObject()
        let binaries = object["binaryData"]?.object ?? JSONObject()
        for (key, value) in texts {
            let path = FieldPath("data").key(key)
            errors.invalid(path, .string(key), Validation.configMapKey(key))
            if binaries.contains(key) {
                errors.invalid(path, .string(key), "duplicate of key present in binaryData")
            }
            size += value.string?.utf8.count ?? 0
        }
        for (key, value) in binaries {
            let path = FieldPath("binaryData").key(key)
            errors.invalid(path, .string(key), Validation.configMapKey(key))
            size += BytesRule.check(value, path, &errors).count
        }
        if size > ImmutableData.maxSize {
            errors.append(.tooLong(FieldPath(""), maximum: ImmutableData.maxSize))
        }
        return errors
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        // Of MetalLB's installation: whoever excludes an interface should not find it announced on.
        guard object["metadata"]["name"].string == "metallb-excludel2" else { return [] }
        return [
            "metallb-excludel2: not read here; ports of bridges, docker, veth and the like are left out by themselves, and "
                + "spec.interfaces of an L2Advertisement names the interfaces that are meant"
        ]
    }
}
