import KubeModel

/// `apps/v1 Deployment`.
struct DeploymentStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "apps", "v1", "Deployment", "deployments", short: ["deploy"], categories: ["all"], hasStatus: true)
    let scale: ScaleMapping? = .workload

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
        var strategy = object["spec"]["strategy"] ?? [:]
        object["spec"]["strategy"] = .null
        if strategy.text("type").isEmpty { strategy["type"] = "RollingUpdate" }
        if strategy["type"] == "RollingUpdate" {
            strategy.setDefault("rollingUpdate", [:])
            strategy["rollingUpdate"]?.setDefault("maxUnavailable", "25%")
            strategy["rollingUpdate"]?.setDefault("maxSurge", "25%")
        }
        object["spec"]["strategy"] = strategy
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        object["metadata"]["labels"] = old["metadata"]["labels"]
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = WorkloadRules.spec
        errors.nonnegative(path, spec, ["replicas"])
        WorkloadRules.checkSelector(
            spec["selector"], empty: "empty selector is invalid for deployment", &errors)
        WorkloadRules.checkMatch(spec, unreadable: "invalid label selector", &errors)
        PodTemplateRules.check(spec["template"], path.child("template"), &errors)
        WorkloadRules.checkEndless(spec, kind: "ReplicaSet", &errors)
        checkStrategy(spec["strategy"] ?? [:], path.child("strategy"), &errors)
        errors.nonnegative(path, spec, ["minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"])
        if let deadline = spec["progressDeadlineSeconds"], let seconds = deadline.int,
            seconds <= spec["minReadySeconds"].int ?? 0
        {
            errors.invalid(path.child("progressDeadlineSeconds"), deadline, "must be greater than minReadySeconds")
        }
    }

    private func checkStrategy(_ strategy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let rollingUpdate = strategy.at("rollingUpdate")
        switch strategy.text("type") {
        case "Recreate":
            if rollingUpdate != nil {
                errors.forbidden(
                    path.child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'")
            }
        case "RollingUpdate":
            let path = path.child("rollingUpdate")
            guard let unavailable = CountOrPercent(rollingUpdate["maxUnavailable"]),
                let surge = CountOrPercent(rollingUpdate["maxSurge"])
            else { return }
            unavailable.check(path.child("maxUnavailable"), &errors)
            surge.check(path.child("maxSurge"), &errors)
            if unavailable.amount == 0, surge.amount == 0 {
                errors.invalid(
                    path.child("maxUnavailable"), unavailable.value, "may not be 0 when `maxSurge` is 0")
            }
            unavailable.checkAtMost100Percent(path.child("maxUnavailable"), &errors)
        case let other: errors.notSupported(path.child("type"), other, ["Recreate", "RollingUpdate"])
        }
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        WorkloadRules.checkImmutableSelector(object, old, &errors)
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        let status = object["status"]
        let path = WorkloadRules.status
        errors.nonnegative(
            path, status,
            [
                "observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
                "unavailableReplicas", "collisionCount",
            ])
        errors.atMost(
            "replicas", ["updatedReplicas", "readyReplicas", "availableReplicas"], path, status,
            "cannot be greater than status.replicas")
        errors.atMost(
            "readyReplicas", ["availableReplicas"], path, status, "cannot be greater than readyReplicas")
        errors.notDecremented("collisionCount", object, old)
    }
}
