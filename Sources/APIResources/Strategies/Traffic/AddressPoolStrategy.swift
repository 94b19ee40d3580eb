import KubeModel
import NetworkTypes

/// `traffic.martlet.dev/v1 AddressPool`: addresses that LoadBalancer Services get.
struct AddressPoolStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "traffic.martlet.dev", "v1", "AddressPool", "addresspools", namespaced: false, short: ["pool"],
        hasStatus: true)
    let generationRule = GenerationRule.spec
    let pools: PoolRanges
    /// Knows which addresses are cluster IPs.
    let allocations: ServiceAllocations
    let isCheckedBySchema = true
    let holdsClaims = true

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["total", "allocated"] {
            if let value = object.at("status", key), value.int ?? 0 < 0 {
                errors.invalid(
                    FieldPath("status").child(key), value, "must be greater than or equal to 0")
            }
        }
        ConditionRules.check(
            object["status"]["conditions"].array ?? [], FieldPath("status").child("conditions"), &errors)
        return errors
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        PoolAddressRules.check(
            object["spec"]["addresses"], FieldPath("spec").child("addresses"), takesSingle: true, &errors)
        for (index, value) in (object["spec"]["reservedAddresses"].array ?? []).enumerated() {
            let text = value.string ?? ""
            let path = FieldPath("spec").child("reservedAddresses").index(index)
            guard let reserved = AddressRange(text) else {
                errors.invalid(path, value, PoolAddressRules.form)
                continue
            }
            if !PoolAddressRules.ranges(of: object).contains(where: { $0.contains(reserved) }) {
                errors.invalid(path, value, "must be part of one of spec.addresses")
            }
        }
        PoolAddressRules.checkAllocation(
            object["spec"]["serviceAllocation"], FieldPath("spec").child("serviceAllocation"), &errors)
        for (index, value) in (object["spec"]["serviceNamespaces"].array ?? []).enumerated() {
            errors.invalid(
                FieldPath("spec").child("serviceNamespaces").index(index), value,
                Validation.dns1123Label(value.string ?? ""))
        }
        return errors
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        PoolAddressRules.warnings(
            for: object, replacing: old, used: old["status"]["allocated"].int ?? 0, clusterRanges: allocations.ranges)
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        try pools.claim(object, replacing: old, definition)
    }

    func release(_ object: JSONValue) { pools.release(object, definition) }

    func restore(_ object: JSONValue) { pools.restore(object, definition) }
}
