import KubeModel

/// `apps/v1 ReplicaSet`.
struct ReplicaSetStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "apps", "v1", "ReplicaSet", "replicasets", short: ["rs"], categories: ["all"], hasStatus: true)
    let scale: ScaleMapping? = .workload
    let emptyStatus: JSONValue = ["replicas": 0]
    let selectableFieldNames = ["status.replicas"]

    func selectableFields(of object: JSONValue) -> [String: String] {
        ["status.replicas": String(object["status"]["replicas"].int ?? 0)]
    }

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        errors.nonnegative(WorkloadRules.spec, spec, ["replicas", "minReadySeconds"])
        WorkloadRules.checkSelector(
            spec["selector"], empty: "empty selector is invalid for deployment", &errors)
        WorkloadRules.checkMatch(spec, unreadable: "invalid label selector", &errors)
        PodTemplateRules.check(spec["template"], WorkloadRules.spec.child("template"), &errors)
        WorkloadRules.checkEndless(spec, kind: "ReplicaSet", &errors)
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        WorkloadRules.checkImmutableSelector(object, old, &errors)
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        Self.checkReplicaStatus(object, &errors)
    }

    /// Also that of ReplicationControllers.
    static func checkReplicaStatus(_ object: JSONValue, _ errors: inout [FieldError]) {
        let status = object["status"]
        let path = WorkloadRules.status
        errors.nonnegative(
            path, status,
            ["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration"])
        errors.atMost(
            "replicas", ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"], path, status,
            "cannot be greater than status.replicas")
        errors.atMost(
            "readyReplicas", ["availableReplicas"], path, status, "cannot be greater than readyReplicas")
    }
}
