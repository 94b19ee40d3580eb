import KubeModel

/// `batch/v1 Job`: the server chooses selector and labels, as Kubernetes does.
struct JobStrategy: WorkloadStrategy {
    let definition = ResourceDefinition.builtIn(
        "batch", "v1", "Job", "jobs", categories: ["all"], hasStatus: true)
    let dependentsPolicy = DependentsPolicy.orphan
    let selectableFieldNames = ["status.successful"]

    private static let uidLabels = ["batch.kubernetes.io/controller-uid", "controller-uid"]
    private static let nameLabels = ["batch.kubernetes.io/job-name", "job-name"]

    func selectableFields(of object: JSONValue) -> [String: String] {
        ["status.successful": String(object["status"]["succeeded"].int ?? 0)]
    }

    func applyDefaults(_ object: inout JSONValue, _ context: StrategyContext) {
        guard case .object = object["spec"] else { return }
        PodDefaults.apply(toTemplate: &object["spec"]["template"])
        object["spec"]?.setJobDefaults()
        if (object["metadata"]["labels"].object ?? JSONObject()).isEmpty {
            object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"]
        }
    }

    func fillIn(_ object: inout JSONValue, _ context: StrategyContext) {
        guard object["spec"]["manualSelector"] != true else { return }
        // Labels that were taken from the template are the same map in Kubernetes.
        let isSameMap = JSONValue.areEqual(
            object["metadata"]["labels"], object["spec"]["template"]["metadata"]["labels"])
        generateSelector(&object)
        if isSameMap { object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"] }
    }

    /// Labels that nothing but this Job has, unless the user has set them: validation says so then.
    private func generateSelector(_ object: inout JSONValue) {
        var labels = object["spec"]["template"]["metadata"]["labels"]?.object ?? JSONObject()
        for key in Self.nameLabels where labels[key] == nil { labels[key] = object["metadata"]["name"] }
        for key in Self.uidLabels where labels[key] == nil { labels[key] = object["metadata"]["uid"] }
        object["spec"]["template"]["metadata"]["labels"] = .object(labels)
        if object["spec"]["selector"]["matchLabels"][Self.uidLabels[0]] == nil {
            object["spec"]["selector"]["matchLabels"][Self.uidLabels[0]] = object["metadata"]["uid"]
        }
    }

    func checkCreate(_ object: JSONValue, _ errors: inout [FieldError]) {
        if object["spec"]["manualSelector"] != true { checkGenerated(object, &errors) }
        let completions = object["spec"]["completions"].int ?? 0
        guard object["spec"]["completionMode"] == "Indexed", completions > 0 else { return }
        let name = object.text("metadata", "name")
        if !Validation.dns1123Label("\(name)-\(completions - 1)").isEmpty {
            errors.invalid(
                FieldPath("metadata", "name"), .string(name),
                "will not able to create pod with invalid DNS label: \(name)-\(completions - 1)")
        }
    }

    private func checkGenerated(_ object: JSONValue, _ errors: inout [FieldError]) {
        let labels = object["spec"]["template"]["metadata"]["labels"] ?? [:]
        let path = FieldPath("spec", "template", "metadata", "labels")
        let wanted =
            Self.uidLabels.map { ($0, object.text("metadata", "uid")) }
            + Self.nameLabels.map { ($0, object.text("metadata", "name")) }
        for (key, value) in wanted where labels[key]?.string != value {
            errors.invalid(path.key(key), labels, "must be '\(value)'")
        }
        // A selector that can't be read is found where selectors are checked.
        let expected = JSONValue.object(JSONObject(Dictionary(wanted) { first, _ in first }))
        if let selector = LabelSelector(document: object["spec"]["selector"]),
            (try? LabelSelector.matches(selector, expected)) == false
        {
            errors.invalid(
                FieldPath("spec", "selector"), object["spec"]["selector"] ?? .null, "`selector` not auto-generated")
        }
    }

    func check(_ object: JSONValue, _ errors: inout [FieldError]) {
        let spec = object["spec"] ?? [:]
        let path = FieldPath("spec")
        JobRules(path: path).check(spec, &errors)
        if let selector = LabelSelector(document: spec["selector"]) {
            errors += Validation.labelSelector(selector, at: path.child("selector"))
        } else {
            errors.required(path.child("selector"))
        }
        WorkloadRules.checkMatch(spec, unreadable: nil, &errors)
    }

    func checkUpdate(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        let before = old["spec"] ?? [:]
        checkCompletions(spec, before, path.child("completions"), &errors)
        errors.immutable(path.child("selector"), spec["selector"], before["selector"])
        var template = before["template"]
        // What tells where Pods run may change until the first one does.
        if before["suspend"] == true, old.at("status", "startTime") == nil {
            for key in ["labels", "annotations"] { template["metadata"][key] = spec["template"]["metadata"][key] }
            for key in ["nodeSelector", "tolerations", "schedulingGates"] {
                template["spec"][key] = spec["template"]["spec"][key]
            }
            template["spec"]["affinity"]["nodeAffinity"] = spec["template"]["spec"]["affinity"]["nodeAffinity"]
            if template["spec"]["affinity"].object?.isEmpty ?? false, spec["template"]["spec"]["affinity"] == nil {
                template["spec"]["affinity"] = nil
            }
        }
        if spec["template"] != template {
            errors.invalid(path.child("template"), spec["template"] ?? .null, Validation.immutableMessage)
        }
        for key in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
            errors.immutable(path.child(key), spec[key], before[key])
        }
    }

    /// An Indexed Job may grow and shrink, its parallelism along with it.
    private func checkCompletions(
        _ spec: JSONValue, _ before: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        guard spec["completionMode"] == "Indexed" else {
            return errors.immutable(path, spec["completions"], before["completions"])
        }
        guard let completions = spec["completions"], completions != before["completions"] else { return }
        if completions != spec["parallelism"] {
            errors.invalid(path, completions, "can only be modified in tandem with spec.parallelism")
        }
    }

    func checkStatus(_ object: JSONValue, from old: JSONValue, _ errors: inout [FieldError]) {
        let path = FieldPath("status")
        let status = object["status"]
        errors.nonnegative(path, status, ["active", "succeeded", "failed", "ready", "terminating"])
        for type in ["Failed", "Complete", "FailureTarget", "SuccessCriteriaMet"]
        where Self.isTrue(type, old) && !Self.isTrue(type, object) {
            let isTerminal = type == "SuccessCriteriaMet" ? "" : "terminal "
            errors.append(
                .invalid(path.child("conditions"), nil, "cannot disable the \(isTerminal)\(type)=True condition"))
        }
        if Self.isTrue("Complete", object), Self.isTrue("Failed", object) {
            errors.append(
                .invalid(path.child("conditions"), nil, "cannot set Complete=True and Failed=true conditions"))
        }
        for key in ["failed", "succeeded"] {
            if let count = old["status"][key].int, (status[key].int ?? 0) < count {
                errors.invalid(path.child(key), status[key] ?? 0, "cannot decrease the \(key) counter")
            }
        }
        if let before = old.at("status", "completionTime"), let after = object.at("status", "completionTime"),
            before != after
        {
            errors.invalid(path.child("completionTime"), after, "completionTime cannot be mutated")
        }
    }

    private static func isTrue(_ type: String, _ object: JSONValue) -> Bool {
        PodSummary.isTrue(type, object["status"]["conditions"].array ?? [])
    }
}

extension JSONValue {
    /// The defaults of a Job's spec (not of one in a CronJob's template).
    fileprivate mutating func setJobDefaults() {
        if at("completions") == nil, at("parallelism") == nil { self["completions"] = 1 }
        let backoffLimit: JSONValue = at("backoffLimitPerIndex") == nil ? 6 : .integer(Int64(Int32.max))
        let replacement: JSONValue = at("podFailurePolicy") == nil ? "TerminatingOrFailed" : "Failed"
        setDefault("parallelism", 1)
        setDefault("backoffLimit", backoffLimit)
        setDefault("completionMode", "NonIndexed")
        setDefault("suspend", false)
        setDefault("manualSelector", false)
        setDefault("podReplacementPolicy", replacement)
        guard case .array(var rules)? = self["podFailurePolicy"]["rules"] else { return }
        for index in rules.indices {
            guard case .array(var conditions)? = rules[index]["onPodConditions"] else { continue }
            for place in conditions.indices where conditions[place].text("status").isEmpty {
                conditions[place]["status"] = "True"
            }
            rules[index]["onPodConditions"] = .array(conditions)
        }
        self["podFailurePolicy"]["rules"] = .array(rules)
    }
}
