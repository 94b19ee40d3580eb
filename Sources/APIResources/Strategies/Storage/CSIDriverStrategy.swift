import KubeModel

/// `storage.k8s.io/v1.CSIDriver`: kept and checked; nothing acts on it.
struct CSIDriverStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "storage.k8s.io", "v1", "CSIDriver", "csidrivers", namespaced: false)
    let returnsDeletedObject = true
    let generationRule = GenerationRule.spec

    private static let fixed = ["attachRequired", "volumeLifecycleModes"]

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        DriverNames.check(object.text("metadata", "name"), FieldPath("metadata", "name"), &errors)
        let spec = object["spec"]
        let path = FieldPath("spec")
        for mode in spec["volumeLifecycleModes"].array ?? [] {
            errors.oneOf(path.child("volumeLifecycleModes"), mode.string ?? "", ["Ephemeral", "Persistent"])
        }
        errors.oneOf(
            path.child("fsGroupPolicy"), spec["fsGroupPolicy"].string ?? "",
            ["File", "None", "ReadWriteOnceWithFSType"])
        if let period = spec["nodeAllocatableUpdatePeriodSeconds"], let seconds = period.int, seconds < 10 {
            errors.invalid(
                path.child("nodeAllocatableUpdatePeriodSeconds"), period, "must be greater than or equal to 10 seconds")
        }
        var audiences: Set<String> = []
        for (index, request) in (spec["tokenRequests"].array ?? []).enumerated() {
            let path = path.child("tokenRequests").index(index)
            let audience = request.text("audience")
            if !audiences.insert(audience).inserted { errors.duplicate(path.child("audience"), .string(audience)) }
            guard let value = request["expirationSeconds"], let seconds = value.int else { continue }
            if seconds < 600 {
                errors.invalid(
                    path.child("expirationSeconds"), value, "may not specify a duration less than 10 minutes")
            }
            if seconds > 1 << 32 {
                errors.invalid(
                    path.child("expirationSeconds"), value, "may not specify a duration larger than 2^32 seconds")
            }
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        for key in Self.fixed {
            errors.immutable(FieldPath("spec", key), object["spec"][key], old["spec"][key])
        }
        return errors
    }
}
