import KubeModel

/// `policy/v1 PodDisruptionBudget`: its status, by which evictions are judged, is a controller's to write.
struct PodDisruptionBudgetStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", short: ["pdb"], hasStatus: true)
    let allowsUnconditionalUpdate = false
    /// `ValidatePodDisruptionBudget` does not look at the name.
    let nameRule = NameRule.pathSegment
    let emptyStatus: JSONValue = [
        "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
    ]

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {}

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = FieldPath("spec")
        let minimum = CountOrPercent(spec["minAvailable"])
        let maximum = CountOrPercent(spec["maxUnavailable"])
        if minimum != nil, maximum != nil {
            errors.invalid(path, spec ?? .null, "minAvailable and maxUnavailable cannot be both set")
        }
        for (key, count) in [("minAvailable", minimum), ("maxUnavailable", maximum)] {
            count?.check(path.child(key), &errors)
            count?.checkAtMost100Percent(path.child(key), &errors)
        }
        if let selector = LabelSelector(document: spec["selector"]) {
            errors += Validation.labelSelector(selector, at: path.child("selector"))
        }
        if let policy = spec["unhealthyPodEvictionPolicy"].string {
            errors.oneOf(path.child("unhealthyPodEvictionPolicy"), policy, ["AlwaysAllow", "IfHealthyBudget"])
        }
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        errors.nonnegative(
            FieldPath("status"), object["status"],
            ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"])
        ConditionRules.check(object["status"]["conditions"].array ?? [], FieldPath("status", "conditions"), &errors)
    }
}
