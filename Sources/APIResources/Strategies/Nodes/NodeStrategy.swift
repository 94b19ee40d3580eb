import KubeModel
import NetworkTypes

/// `v1.Node`.
struct NodeStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "Node", "nodes", namespaced: false, short: ["no"], hasStatus: true)
    let unimplementedSubresources = [
        SubresourceDefinition("proxy", options: "NodeProxyOptions", verbs: SubresourceDefinition.proxyVerbs)
    ]
    let selectableFieldNames = ["spec.unschedulable"]

    func selectableFields(of object: JSONValue) -> [String: String] {
        ["spec.unschedulable": object["spec"]["unschedulable"].bool == true ? "true" : "false"]
    }

    /// A new Node keeps its status: the agent that registers it knows its addresses.
    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {}

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        let path = FieldPath("spec")
        if !object.text("spec", "providerID").isEmpty || !old.text("spec", "providerID").isEmpty,
            !old.text("spec", "providerID").isEmpty, object.text("spec", "providerID") != old.text("spec", "providerID")
        {
            errors.forbidden(
                path.child("providerID"), "node updates may not change providerID except from \"\" to valid")
        }
        let before = old["spec"]["podCIDRs"].array ?? []
        if !before.isEmpty, object["spec"]["podCIDRs"].array ?? [] != before {
            errors.forbidden(path.child("podCIDRs"), "node updates may not change podCIDR except from \"\" to valid")
        }
        return errors
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        var seen: Set<JSONValue> = []
        for (index, address) in (object["status"]["addresses"].array ?? []).enumerated()
        where !seen.insert(address).inserted {
            errors.duplicate(FieldPath("status").child("addresses").index(index), address)
        }
        return errors
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        checkTaints(object["spec"]["taints"].array ?? [], &errors)
        let path = FieldPath("spec").child("podCIDRs")
        let ranges = (object["spec"]["podCIDRs"].array ?? []).map { $0.string ?? "" }
        for (index, text) in ranges.enumerated() where CIDR(text) == nil {
            errors.invalid(path.index(index), .string(text), AddressMessages.range)
        }
        let families = ranges.compactMap { CIDR($0)?.family }
        if ranges.count > 2 || ranges.count == 2 && families.count == 2 && families[0] == families[1] {
            errors.invalid(path, JSONValue(ranges), "may specify no more than one CIDR for each IP family")
        }
        return errors
    }

    private func checkTaints(_ taints: [JSONValue], _ errors: inout [FieldError]) {
        struct Key: Hashable {
            var key: String
            var effect: String
        }
        var seen: Set<Key> = []
        for (index, taint) in taints.enumerated() {
            let path = FieldPath("spec").child("taints").index(index)
            let key = taint.text("key")
            let effect = taint.text("effect")
            errors.invalid(path.child("key"), .string(key), Validation.qualifiedName(key))
            let value = taint.text("value")
            errors.invalid(path.child("value"), .string(value), Validation.labelValue(value))
            if effect.isEmpty {
                errors.required(path.child("effect"))
            } else {
                errors.oneOf(path.child("effect"), effect, ["NoExecute", "NoSchedule", "PreferNoSchedule"])
            }
            if !seen.insert(Key(key: key, effect: effect)).inserted { errors.duplicate(path, taint) }
        }
    }
}
