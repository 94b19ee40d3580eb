import KubeModel

/// `storage.k8s.io/v1.CSINode`: kept and checked; nothing acts on it.
struct CSINodeStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("storage.k8s.io", "v1", "CSINode", "csinodes", namespaced: false)
    let returnsDeletedObject = true

    private static let longestIdentity = 192

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var names: Set<String> = []
        for (index, driver) in (object["spec"]["drivers"].array ?? []).enumerated() {
            let path = FieldPath("spec", "drivers").index(index)
            let name = driver.text("name")
            DriverNames.check(name, path.child("name"), &errors)
            if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
            let identity = driver.text("nodeID")
            if identity.isEmpty { errors.required(path.child("nodeID")) }
            if identity.utf8.count > Self.longestIdentity {
                errors.invalid(
                    path.child("nodeID"), .string(identity),
                    "must be \(Self.longestIdentity) characters or less")
            }
            errors.nonnegative(path.child("allocatable").child("count"), driver["allocatable"]["count"])
            checkKeys(driver["topologyKeys"]?.array ?? [], path.child("topologyKeys"), &errors)
        }
        return errors
    }

    private func checkKeys(_ keys: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for key in keys.map({ $0.string ?? "" }) {
            if key.isEmpty { errors.required(path) }
            if !seen.insert(key).inserted { errors.duplicate(path, .string(key)) }
            errors.invalid(path, .string(key), Validation.qualifiedName(key))
        }
    }
}
