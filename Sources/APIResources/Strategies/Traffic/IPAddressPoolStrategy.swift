import KubeModel
import NetworkTypes

/// `metallb.io/v1beta1 IPAddressPool`: addresses that LoadBalancer Services get, in MetalLB's spelling and under its rules.
struct IPAddressPoolStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "metallb.io", "v1beta1", "IPAddressPool", "ipaddresspools", hasStatus: true)
    let pools: PoolRanges
    let lengths: AggregationLengths
    /// Knows which addresses are cluster IPs.
    let allocations: ServiceAllocations
    let generationRule = GenerationRule.spec
    let isCheckedBySchema = true
    let holdsClaims = true

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        PoolAddressRules.check(
            object["spec"]["addresses"], path.child("addresses"), takesSingle: false, &errors)
        PoolAddressRules.checkAllocation(
            object["spec"]["serviceAllocation"], path.child("serviceAllocation"), &errors)
        return errors
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        validate(object, context) + [lengths.finding(inPool: object)].compactMap { $0 }
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        // What is stored stays writable.
        let isSame = object["spec"] == old["spec"] && object["metadata"]["labels"] == old["metadata"]["labels"]
        return isSame ? validate(object, context) : validateCreate(object, context)
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["assignedIPv4", "assignedIPv6", "availableIPv4", "availableIPv6"] {
            errors.nonnegative(FieldPath("status").child(key), object.at("status", key))
        }
        ConditionRules.check(
            object["status"]["conditions"].array ?? [], FieldPath("status").child("conditions"), &errors)
        return errors
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        let counts = ["assignedIPv4", "assignedIPv6"].map { old["status"][$0].int ?? 0 }
        return PoolAddressRules.warnings(
            for: object, replacing: old, used: counts.reduce(0, +), clusterRanges: allocations.ranges)
    }

    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        let written = object
        return AggregationLengths.Keeping(claim: try pools.claim(object, replacing: old, definition)) { [lengths] in
            lengths.keep(pool: written)
        }
    }

    func release(_ object: JSONValue) {
        pools.release(object, definition)
        lengths.remove(pool: object)
    }

    func restore(_ object: JSONValue) {
        pools.restore(object, definition)
        lengths.keep(pool: object)
    }
}
