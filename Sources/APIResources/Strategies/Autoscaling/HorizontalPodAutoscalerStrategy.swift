import KubeModel

/// `autoscaling/v2 HorizontalPodAutoscaler`: kept and checked; nothing measures or scales.
struct HorizontalPodAutoscalerStrategy: WorkloadStrategy {
    let definition: ResourceDefinition = Self.stored
    let generationRule = GenerationRule.none
    let emptyStatus: JSONValue = ["desiredReplicas": 0]

    static let stored = ResourceDefinition.builtIn(
        "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", short: ["hpa"],
        categories: ["all"], hasStatus: true)

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        guard case .object = object["spec"] else { return }
        if (object["spec"]["metrics"].array ?? []).isEmpty {
            object["spec"]["metrics"] = AutoscalerForms.defaultMetrics
        }
        guard object.at("spec", "behavior") != nil else { return }
        var up = object["spec"]["behavior"]["scaleUp"] ?? [:]
        up.setDefault("stabilizationWindowSeconds", 0)
        up.setDefault("selectPolicy", "Max")
        up.setDefault(
            "policies",
            [
                ["type": "Pods", "value": 4, "periodSeconds": 15],
                ["type": "Percent", "value": 100, "periodSeconds": 15],
            ])
        object["spec"]["behavior"]["scaleUp"] = up
        var down = object["spec"]["behavior"]["scaleDown"] ?? [:]
        down.setDefault("selectPolicy", "Max")
        down.setDefault("policies", [["type": "Percent", "value": 100, "periodSeconds": 15]])
        object["spec"]["behavior"]["scaleDown"] = down
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"] ?? [:]
        AutoscalerRules.checkSpec(spec, &errors)
        AutoscalerRules.checkMetrics(spec["metrics"]?.array ?? [], FieldPath("spec", "metrics"), &errors)
        for key in ["scaleUp", "scaleDown"] {
            guard let rules = spec.at("behavior", key) else { continue }
            AutoscalerRules.checkScaling(rules, FieldPath("spec", "behavior", key), &errors)
        }
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        AutoscalerRules.checkStatus(object, &errors)
    }
}

/// `autoscaling/v1 HorizontalPodAutoscaler`: the same objects with the one metric of the first version.
struct HorizontalPodAutoscalerV1Strategy: WorkloadStrategy {
    let definition: ResourceDefinition = {
        var definition = HorizontalPodAutoscalerStrategy.stored
        definition.version = "v1"
        return definition
    }()
    let generationRule = GenerationRule.none
    let emptyStatus: JSONValue = ["currentReplicas": 0, "desiredReplicas": 0]
    let storedForm: StoredForm? = StoredForm(
        definition: HorizontalPodAutoscalerStrategy.stored, encode: AutoscalerForms.stored,
        decode: AutoscalerForms.served)

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {}

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"] ?? [:]
        AutoscalerRules.checkSpec(spec, &errors)
        if let percent = spec.at("targetCPUUtilizationPercentage"), percent.int ?? 0 < 1 {
            errors.invalid(
                FieldPath("spec", "targetCPUUtilizationPercentage"), percent, "must be greater than 0")
        }
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        AutoscalerRules.checkStatus(object, &errors)
    }
}
