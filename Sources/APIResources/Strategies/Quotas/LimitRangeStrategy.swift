import KubeModel

/// `v1.LimitRange`: kept and checked; nothing acts on it.
struct LimitRangeStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("", "v1", "LimitRange", "limitranges", short: ["limits"])

    private static let types = ["Container", "PersistentVolumeClaim", "Pod"]

    /// Limits and requests of containers follow from the bounds where they are not given (`SetDefaults_LimitRangeItem`).
    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        guard case .array(var limits)? = object["spec"]["limits"] else { return }
        for index in limits.indices {
            for key in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
                ResourceRules.canonicalize(&limits[index][key])
            }
            guard limits[index].text("type") == "Container" else { continue }
            for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
                for (name, value) in limits[index][source]?.object ?? JSONObject()
                where limits[index][target][name] == nil {
                    limits[index].setDefault(target, [:])
                    limits[index][target][name] = value
                }
            }
        }
        object["spec"]["limits"] = .array(limits)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepareForCreate(&object, context)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var seen: Set<String> = []
        for (index, item) in (object["spec"]["limits"].array ?? []).enumerated() {
            let path = FieldPath("spec", "limits").index(index)
            let type = item.text("type")
            errors.invalid(path.child("type"), .string(type), Validation.qualifiedName(type))
            if !type.contains("/"), !Self.types.contains(type) {
                errors.invalid(
                    path.child("type"), .string(type), "must be a standard limit type or fully qualified")
            }
            if !seen.insert(type).inserted { errors.duplicate(path.child("type"), .string(type)) }
            check(item, type, path, &errors)
        }
        return errors
    }

    private func check(_ item: JSONValue, _ type: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            ResourceRules.check(item[key]?.object ?? JSONObject(), path.child(key), &errors)
        }
        if type == "Pod" {
            for key in ["default", "defaultRequest"] where !(item[key]?.object ?? JSONObject()).isEmpty {
                errors.forbidden(path.child(key), "may not be specified when `type` is 'Pod'")
            }
        }
        if type == "PersistentVolumeClaim", item["min"]["storage"] == nil, item["max"]["storage"] == nil {
            errors.required(
                path.child("limits"), "either minimum or maximum storage value is required, but neither was provided")
        }
        checkOrder(item, path, &errors)
    }

    /// min ≤ defaultRequest ≤ default ≤ max, and ratios that can be kept.
    private func checkOrder(_ item: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let order: [(low: String, lowName: String, high: String, highName: String)] = [
            ("min", "min", "max", "max"), ("min", "min", "defaultRequest", "default request"),
            ("defaultRequest", "default request", "max", "max"),
            ("defaultRequest", "default request", "default", "default limit"), ("min", "min", "default", "default"),
            ("default", "default", "max", "max"),
        ]
        for (low, lowName, high, highName) in order {
            for (name, value) in item[low]?.object ?? JSONObject() {
                guard let least = ResourceRules.quantity(value),
                    let most = item[high][name].flatMap(ResourceRules.quantity), least > most
                else { continue }
                errors.invalid(
                    path.child(low).key(name), .string(least.description),
                    "\(lowName) value \(least) is greater than \(highName) value \(most)")
            }
        }
        for (name, value) in item["maxLimitRequestRatio"]?.object ?? JSONObject() {
            guard let ratio = ResourceRules.quantity(value), let one = Quantity("1"), ratio < one else { continue }
            errors.invalid(
                path.child("maxLimitRequestRatio").key(name), .string(ratio.description),
                "ratio \(ratio) is less than 1")
        }
    }
}
