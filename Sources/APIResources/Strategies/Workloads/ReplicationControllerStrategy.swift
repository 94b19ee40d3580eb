import KubeModel

/// `v1.ReplicationController`.
struct ReplicationControllerStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "ReplicationController", "replicationcontrollers", short: ["rc"], categories: ["all"],
        hasStatus: true)
    let scale: ScaleMapping? = .workload
    let emptyStatus: JSONValue = ["replicas": 0]
    let dependentsPolicy = DependentsPolicy.orphan
    let selectableFieldNames = ["status.replicas"]

    func selectableFields(of object: JSONValue) -> [String: String] {
        ["status.replicas": String(object["status"]["replicas"].int ?? 0)]
    }

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        guard object.at("spec", "template") != nil else { return }
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
        guard let labels = object["spec"]["template"]["metadata"]["labels"].object, !labels.isEmpty else { return }
        if (object["spec"]["selector"].object ?? JSONObject()).isEmpty { object["spec"]["selector"] = .object(labels) }
        if (object["metadata"]["labels"].object ?? JSONObject()).isEmpty {
            object["metadata"]["labels"] = .object(labels)
        }
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"]
        let path = WorkloadRules.spec
        errors.nonnegative(path, spec, ["minReadySeconds"])
        let selector = spec["selector"].object ?? JSONObject()
        if selector.isEmpty { errors.required(path.child("selector")) }
        errors.nonnegative(path, spec, ["replicas"])
        guard let template = object.at("spec", "template") else { return errors.required(path.child("template")) }
        let labels = template["metadata"]["labels"].object?.strings ?? [:]
        if !selector.isEmpty, !Selector(labels: selector.strings).matches(labels) {
            errors.invalid(
                path.child("template").child("metadata").child("labels"), JSONValue(labels),
                "`selector` does not match template `labels`")
        }
        PodTemplateRules.check(template, path.child("template"), &errors)
        WorkloadRules.checkEndless(spec, kind: "ReplicationController", &errors)
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        ReplicaSetStrategy.checkReplicaStatus(object, &errors)
    }
}
