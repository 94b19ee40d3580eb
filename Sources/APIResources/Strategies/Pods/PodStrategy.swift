import KubeModel
import NetworkTypes

/// `v1.Pod`: stored whole; what traffic management relies on is checked, and the spec can hardly change.
struct PodStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "Pod", "pods", short: ["po"], categories: ["all"], hasStatus: true)
    let priorities: PriorityClasses
    let returnsDeletedObject = true
    let generationRule = GenerationRule.spec
    let unimplementedSubresources = [
        SubresourceDefinition("attach", options: "PodAttachOptions", verbs: ["create", "get"]),
        SubresourceDefinition("exec", options: "PodExecOptions", verbs: ["create", "get"]),
        SubresourceDefinition("log", verbs: ["get"]),
        SubresourceDefinition("portforward", options: "PodPortForwardOptions", verbs: ["create", "get"]),
        SubresourceDefinition("resize", verbs: ["get", "patch", "update"]),
    ]
    let partSubresource: String? = "ephemeralcontainers"
    let selectableFieldNames = [
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    ]

    init(priorities: PriorityClasses = PriorityClasses()) {
        self.priorities = priorities
    }

    func selectableFields(of object: JSONValue) -> [String: String] {
        var fields = FieldValues.read(selectableFieldNames, from: object)
        if fields["spec.hostNetwork"]?.isEmpty ?? true { fields["spec.hostNetwork"] = "false" }
        if let first = object["status"]["podIPs"][0]["ip"].string { fields["status.podIP"] = first }
        return fields
    }

    /// Nobody has to end a Pod that runs nowhere or has ended already (`podStrategy.CheckGracefulDelete`).
    func gracePeriodSeconds(for object: JSONValue, requested: Int64?) -> Int64? {
        let phase = object.text("status", "phase")
        guard !object.text("spec", "nodeName").isEmpty, phase != "Failed", phase != "Succeeded" else { return 0 }
        let seconds = requested ?? object["spec"]["terminationGracePeriodSeconds"].int.map(Int64.init) ?? 0
        return seconds < 0 ? 1 : seconds
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(to: &object)
        object["status"] = ["phase": "Pending", "qosClass": .string(PodDefaults.qualityOfService(of: object))]
    }

    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        PodAdmission.admit(&object, priorities)
    }

    /// Nothing is claimed: this is where a new Pod can be refused for something that is not in it.
    func allocate(_ object: inout JSONValue, replacing old: JSONValue?, _ context: StrategyContext) throws(Status)
        -> (any AllocationTransaction)?
    {
        if old == nil { try priorities.check(object) }
        return nil
    }

    func warnings(for object: JSONValue, replacing old: JSONValue?) -> [String] {
        let content = object["spec"] == old?["spec"] ? [] : PodWarnings.check(object["spec"], FieldPath("spec"))
        return content + (old == nil ? UnrunWarnings.pod(object) : [])
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        PodDefaults.apply(to: &object)
        PodAdmission.admit(&object, replacing: old)
        object["status"] = old["status"]
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        let address = object.text("status", "podIP")
        let addresses = object["status"]["podIPs"].array ?? []
        // The first of podIPs is podIP. Where they differ podIP counts, as for kubelets that know only that one.
        if address.isEmpty {
            object["status"]["podIP"] = addresses.first?["ip"]
        } else if addresses.first?.text("ip") != address {
            object["status"]["podIPs"] = [["ip": .string(address)]]
        }
        if let quality = old["status"]["qosClass"] { object["status"]["qosClass"] = quality }
    }

    /// Of a write through `ephemeralcontainers` nothing but those counts (`dropNonEphemeralContainerUpdates`).
    func prepareForPartUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        let added = object["spec"]["ephemeralContainers"]
        var metadata = old["metadata"]
        for key in ["name", "namespace", "resourceVersion", "uid"] { metadata?[key] = object["metadata"][key] }
        object = old
        object["metadata"] = metadata
        object["spec"]["ephemeralContainers"] = added
        PodDefaults.apply(to: &object)
    }

    func validatePartUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        EphemeralContainerRules.checkUpdate(object, from: old)
    }

    func validateCreate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = PodRules.check(object)
        EphemeralContainerRules.checkCreate(object, &errors)
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        PodRules.checkUpdate(object, from: old)
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        PodRules.checkStatus(object)
    }
}
