import KubeModel

/// `flowcontrol.apiserver.k8s.io/v1.FlowSchema`: kept and checked; nothing acts on it yet.
struct FlowSchemaStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        Self.group, "v1", "FlowSchema", "flowschemas", namespaced: false, hasStatus: true)
    let generationRule = GenerationRule.spec

    static let group = "flowcontrol.apiserver.k8s.io"

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) { object["status"] = [:] }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("spec")
        let spec = object["spec"] ?? [:]
        if let value = spec.at("matchingPrecedence") {
            let precedence = value.int ?? 0
            if !(1...10_000).contains(precedence) {
                errors.invalid(path.child("matchingPrecedence"), value, "must be in the range of 1 to 10000")
            }
            if precedence == 1, object.text("metadata", "name") != "exempt" {
                errors.invalid(
                    path.child("matchingPrecedence"), value,
                    "only the schema named 'exempt' may have matchingPrecedence 1")
            }
        }
        let level = spec.text("priorityLevelConfiguration", "name")
        let levelPath = path.child("priorityLevelConfiguration").child("name")
        if level.isEmpty {
            errors.required(levelPath, "must reference a priority level")
        } else {
            errors.invalid(levelPath, .string(level), Validation.dns1123Subdomain(level))
        }
        if let type = spec.at("distinguisherMethod", "type")?.string {
            errors.oneOf(path.child("distinguisherMethod").child("type"), type, ["ByNamespace", "ByUser"])
        }
        for (index, rule) in (spec["rules"]?.array ?? []).enumerated() {
            check(rule, path.child("rules").index(index), &errors)
        }
        return errors
    }

    private func check(_ rule: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let subjects = rule["subjects"]?.array ?? []
        if subjects.isEmpty { errors.required(path.child("subjects"), "subjects must contain at least one value") }
        for (index, subject) in subjects.enumerated() {
            check(subject: subject, path.child("subjects").index(index), &errors)
        }
        let (resources, others) = (rule["resourceRules"]?.array ?? [], rule["nonResourceRules"]?.array ?? [])
        if resources.isEmpty, others.isEmpty {
            errors.required(path, "at least one of resourceRules and nonResourceRules has to be non-empty")
        }
        for (index, resource) in resources.enumerated() {
            let path = path.child("resourceRules").index(index)
            for key in ["verbs", "apiGroups", "resources"] where (resource[key]?.array ?? []).isEmpty {
                errors.required(path.child(key))
            }
            if (resource["namespaces"]?.array ?? []).isEmpty, resource["clusterScope"] != true {
                errors.required(
                    path.child("namespaces"),
                    "resource rules that are not cluster scoped must supply at least one namespace")
            }
        }
        for (index, other) in others.enumerated() {
            let path = path.child("nonResourceRules").index(index)
            for key in ["verbs", "nonResourceURLs"] where (other[key]?.array ?? []).isEmpty {
                errors.required(path.child(key))
            }
        }
    }

    private func check(subject: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let forms = [("Group", "group"), ("ServiceAccount", "serviceAccount"), ("User", "user")]
        let kind = subject.text("kind")
        errors.oneOf(path.child("kind"), kind, forms.map(\.0))
        for (name, key) in forms {
            guard let form = subject.at(key) else {
                if name == kind {
                    errors.required(path.child(key), "\(key) is required when subject kind is '\(name)'")
                }
                continue
            }
            if name != kind {
                errors.forbidden(path.child(key), "\(key) is forbidden when subject kind is not '\(name)'")
                continue
            }
            if form.text("name").isEmpty { errors.required(path.child(key).child("name")) }
            if name == "ServiceAccount", form.text("namespace").isEmpty {
                errors.required(path.child(key).child("namespace"), "must specify namespace for service account")
            }
        }
    }
}
