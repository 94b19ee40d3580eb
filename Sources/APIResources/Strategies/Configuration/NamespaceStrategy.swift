import KubeModel

/// `v1.Namespace`. Its `spec.finalizers` are changed only through `/finalize`, its phase only by the server.
struct NamespaceStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "Namespace", "namespaces", namespaced: false, short: ["ns"], hasStatus: true)
    let nameRule = NameRule.dnsLabel
    let selectableFieldNames = ["status.phase"]

    private static let finalizer = "kubernetes"
    private static let nameLabel = "kubernetes.io/metadata.name"

    func selectableFields(of object: JSONValue) -> [String: String] {
        FieldValues.read(["status.phase"], from: object)
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        labelWithName(&object)
        object["status"] = ["phase": "Active"]
    }

    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        var finalizers = object["spec"]["finalizers"].array ?? []
        if !finalizers.contains(.string(Self.finalizer)) {
            finalizers.append(.string(Self.finalizer))
            object["spec"]["finalizers"] = .array(finalizers)
        }
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        labelWithName(&object)
        object["status"] = old["status"]
        object["spec"] = old["spec"]
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let phase = object.text("status", "phase")
        let path = FieldPath("status").child("Phase")
        if object.at("metadata", "deletionTimestamp") == nil {
            if phase != "Active" {
                errors.invalid(path, .string(phase), "may only be 'Active' if `deletionTimestamp` is empty")
            }
        } else if phase != "Terminating" {
            errors.invalid(path, .string(phase), "may only be 'Terminating' if `deletionTimestamp` is not empty")
        }
        return errors
    }

    private func labelWithName(_ object: inout JSONValue) {
        let name = object.text("metadata", "name")
        if !name.isEmpty { object["metadata"]["labels"][Self.nameLabel] = .string(name) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, value) in (object["spec"]["finalizers"].array ?? []).enumerated() {
            let text = value.string ?? ""
            let path = FieldPath("spec").child("finalizers").index(index)
            errors.invalid(path, value, Validation.qualifiedName(text))
            if !text.utf8.contains(UInt8(ascii: "/")) && text != Self.finalizer && text != "orphan" {
                errors.invalid(
                    path, value, "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
        return errors
    }
}
