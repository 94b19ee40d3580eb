import KubeModel

/// `apps/v1 DaemonSet`.
struct DaemonSetStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "apps", "v1", "DaemonSet", "daemonsets", short: ["ds"], categories: ["all"], hasStatus: true)
    let emptyStatus: JSONValue = [
        "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
    ]

    /// Counts the templates; a field of earlier API versions that lives on as an annotation.
    static let templateGeneration = "deprecated.daemonset.template.generation"

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
        var strategy = object["spec"]["updateStrategy"] ?? [:]
        object["spec"]["updateStrategy"] = .null
        if strategy.text("type").isEmpty { strategy["type"] = "RollingUpdate" }
        if strategy["type"] == "RollingUpdate" {
            strategy.setDefault("rollingUpdate", [:])
            strategy["rollingUpdate"]?.setDefault("maxUnavailable", 1)
            strategy["rollingUpdate"]?.setDefault("maxSurge", 0)
        }
        object["spec"]["updateStrategy"] = strategy
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        applyDefaults(&object, context)
        object["status"] = emptyStatus
        object["metadata"]["annotations"][Self.templateGeneration] = "1"
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        applyDefaults(&object, context)
        object["status"] = old["status"]
        let before = Int(old.text("metadata", "annotations", Self.templateGeneration)) ?? 0
        let isChanged = object["spec"]["template"] != old["spec"]["template"]
        object["metadata"]["annotations"][Self.templateGeneration] = .string(String(before + (isChanged ? 1 : 0)))
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = WorkloadRules.spec
        if let selector = LabelSelector(document: spec["selector"]) {
            errors += Validation.labelSelector(selector, at: path.child("selector"))
            if selector.isEmpty {
                errors.invalid(
                    path.child("selector"), spec["selector"] ?? .null, "empty selector is invalid for daemonset")
            }
        }
        WorkloadRules.checkMatch(spec, unreadable: nil, &errors)
        PodTemplateRules.check(spec["template"], path.child("template"), &errors)
        WorkloadRules.checkEndless(spec, kind: "DaemonSet", &errors)
        errors.nonnegative(path, spec, ["minReadySeconds"])
        checkStrategy(spec["updateStrategy"] ?? [:], path.child("updateStrategy"), &errors)
        errors.nonnegative(path, spec, ["revisionHistoryLimit"])
    }

    private func checkStrategy(_ strategy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let type = strategy.text("type")
        guard type == "RollingUpdate" else {
            return errors.oneOf(path.child("type"), type, ["OnDelete", "RollingUpdate"])
        }
        let rollingUpdate = strategy["rollingUpdate"]
        let path = path.child("rollingUpdate")
        guard let unavailable = CountOrPercent(rollingUpdate["maxUnavailable"]),
            let surge = CountOrPercent(rollingUpdate["maxSurge"])
        else { return errors.required(path) }
        unavailable.check(path.child("maxUnavailable"), &errors)
        surge.check(path.child("maxSurge"), &errors)
        unavailable.checkAtMost100Percent(path.child("maxUnavailable"), &errors)
        surge.checkAtMost100Percent(path.child("maxSurge"), &errors)
        switch (unavailable.amount != 0, surge.amount != 0) {
        case (true, true):
            errors.invalid(path.child("maxSurge"), surge.value, "may not be set when maxUnavailable is non-zero")
        case (false, false): errors.required(path.child("maxUnavailable"), "cannot be 0 when maxSurge is 0")
        default: break
        }
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        WorkloadRules.checkImmutableSelector(object, old, &errors)
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        errors.nonnegative(
            WorkloadRules.status, object["status"],
            [
                "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled", "numberReady",
                "observedGeneration", "updatedNumberScheduled", "numberAvailable", "numberUnavailable",
                "collisionCount",
            ])
        errors.notDecremented("collisionCount", object, old)
    }
}
