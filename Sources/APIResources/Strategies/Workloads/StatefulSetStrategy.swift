import KubeModel

/// `apps/v1 StatefulSet`. As in Kubernetes the Pod template itself is hardly checked: its mounts name volumes that the
/// claim templates stand for.
struct StatefulSetStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "apps", "v1", "StatefulSet", "statefulsets", short: ["sts"], categories: ["all"], hasStatus: true)
    let nameRule = NameRule.dnsLabel
    let scale: ScaleMapping? = .workload
    let emptyStatus: JSONValue = ["replicas": 0, "availableReplicas": 0]

    private static let changeable = [
        "replicas", "ordinals", "template", "updateStrategy", "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds", "revisionHistoryLimit",
    ]

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        guard case .object = object["spec"] else { return }
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
        var strategy = object["spec"]["updateStrategy"] ?? [:]
        object["spec"]["updateStrategy"] = .null
        if strategy.text("type").isEmpty {
            strategy["type"] = "RollingUpdate"
            strategy.setDefault("rollingUpdate", [:])
        }
        if strategy["type"] == "RollingUpdate", strategy.at("rollingUpdate") != nil {
            strategy["rollingUpdate"]?.setDefault("partition", 0)
        }
        object["spec"]["updateStrategy"] = strategy
        object["spec"]?.setDefault("persistentVolumeClaimRetentionPolicy", [:])
        for key in ["whenDeleted", "whenScaled"] {
            object["spec"]["persistentVolumeClaimRetentionPolicy"]?.setDefault(key, "Retain")
        }
        guard case .array(var claims)? = object["spec"]["volumeClaimTemplates"] else { return }
        for index in claims.indices {
            claims[index]["apiVersion"] = "v1"
            claims[index]["kind"] = "PersistentVolumeClaim"
            claims[index]["status"].setDefaultPhase()
            ResourceRules.canonicalize(&claims[index]["spec"]["resources"]["requests"])
            ResourceRules.canonicalize(&claims[index]["spec"]["resources"]["limits"])
        }
        object["spec"]["volumeClaimTemplates"] = .array(claims)
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = WorkloadRules.spec
        let management = spec["podManagementPolicy"].string ?? ""
        if !["OrderedReady", "Parallel"].contains(management) {
            errors.invalid(
                path.child("podManagementPolicy"), .string(management), "must be 'OrderedReady' or 'Parallel'")
        }
        checkStrategy(spec["updateStrategy"] ?? [:], path.child("updateStrategy"), &errors)
        for key in ["whenDeleted", "whenScaled"] {
            let policy = spec["persistentVolumeClaimRetentionPolicy"][key].string ?? ""
            errors.oneOf(
                path.child("persistentVolumeClaimRetentionPolicy").child(key), policy, ["Delete", "Retain"])
        }
        errors.nonnegative(path, spec, ["replicas", "minReadySeconds"])
        errors.nonnegative(path.child("ordinals.start"), spec["ordinals"]["start"])
        WorkloadRules.checkSelector(
            spec["selector"], empty: "empty selector is invalid for statefulset", &errors)
        WorkloadRules.checkMatch(spec, unreadable: "", &errors)
        PodTemplateRules.checkMetadata(spec["template"], path.child("template"), &errors)
        WorkloadRules.checkEndless(spec, kind: "StatefulSet", &errors)
    }

    private func checkStrategy(_ strategy: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let rollingUpdate = strategy.at("rollingUpdate")
        switch strategy.text("type") {
        case "OnDelete":
            if let rollingUpdate {
                errors.invalid(
                    path.child("rollingUpdate"), rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
            }
        case "RollingUpdate":
            let path = path.child("rollingUpdate")
            errors.nonnegative(path, rollingUpdate, ["partition"])
            guard let unavailable = CountOrPercent(rollingUpdate["maxUnavailable"]) else { return }
            unavailable.check(path.child("maxUnavailable"), &errors)
            if unavailable.amount == 0 {
                errors.invalid(path.child("maxUnavailable"), unavailable.value, "cannot be 0")
            }
            unavailable.checkAtMost100Percent(path.child("maxUnavailable"), &errors)
        default: errors.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")
        }
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        var before = old["spec"]
        var after = object["spec"]
        for key in Self.changeable {
            before[key] = nil
            after[key] = nil
        }
        guard before != after else { return }
        errors.forbidden(
            WorkloadRules.spec,
            "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
                + "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden")
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        let status = object["status"]
        let path = WorkloadRules.status
        let counts = ["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"]
        errors.nonnegative(path, status, ["replicas"] + counts + ["observedGeneration", "collisionCount"])
        errors.atMost("replicas", counts, path, status, "cannot be greater than status.replicas")
        errors.atMost(
            "readyReplicas", ["availableReplicas"], path, status, "cannot be greater than status.readyReplicas")
        errors.notDecremented("collisionCount", object, old)
    }
}

extension JSONValue? {
    /// The status that a claim begins with.
    mutating func setDefaultPhase() {
        var status = self ?? [:]
        status.setDefault("phase", "Pending")
        self = status
    }
}
