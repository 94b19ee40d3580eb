import KubeModel

/// What the kinds that make Pods from a template have in common: defaults that depend on other fields, a status that
/// begins empty, and rules in three parts. Nothing acts on these objects; they are kept and checked.
protocol WorkloadStrategy: ResourceStrategy {
    /// `status` of a new object.
    var emptyStatus: JSONValue { get }
    /// Sets what the schema can't: defaults that depend on other fields, and those of the Pod template.
    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext)
    /// The rules of every state of the object, but for its status.
    func check(_ object: JSONValue, _ errors: inout [FieldError])
    /// The rules of a new object alone.
    func checkCreate(_ object: JSONValue, _ errors: inout [FieldError])
    /// What may not change.
    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError])
    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError])
}

extension WorkloadStrategy {
    var generationRule: GenerationRule { .spec }
    var emptyStatus: JSONValue { [:] }

    func checkCreate(_ object: JSONValue, _ errors: inout [FieldError]) {}
    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {}

    /// The kinds that make Pods, in Kubernetes.
    private static var podMakers: Set<String> {
        ["CronJob", "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet"]
    }

    /// Those of the template, where there is one and it has changed, and that nothing runs it.
    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        var warnings: [String] = []
        let template = object["spec"]["template"]
        if template != nil, template != old?["spec"]["template"] {
            warnings += PodWarnings.check(template["spec"], FieldPath("spec", "template", "spec"))
        }
        if old == nil, Self.podMakers.contains(definition.kind) {
            warnings += UnrunWarnings.workload(definition.kind, object)
        }
        return warnings
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        applyDefaults(&object, context)
        object["status"] = emptyStatus
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        applyDefaults(&object, context)
        object["status"] = old["status"]
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        checkCreate(object, &errors)
        check(object, &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        check(object, &errors)
        checkUpdate(object, from: old, &errors)
        return errors
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        checkStatus(object, from: old, &errors)
        return errors
    }
}

extension JSONValue {
    /// Sets a field that is absent or null.
    mutating func setDefault(_ key: String, _ value: JSONValue) {
        if self[key] == nil || self[key] == .null { self[key] = value }
    }
}
