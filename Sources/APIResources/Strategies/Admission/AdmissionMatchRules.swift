import KubeModel

/// `MatchResources`: the requests that a policy or its binding is for.
enum AdmissionMatchRules {
    static func check(
        _ match: JSONValue, _ path: FieldPath, needsRules: Bool, _ errors: inout [FieldError]
    ) {
        for key in ["namespaceSelector", "objectSelector"] {
            if let selector = LabelSelector(document: match[key]) {
                errors += Validation.labelSelector(selector, at: path.child(key))
            }
        }
        let rules = match["resourceRules"]?.array ?? []
        if needsRules, rules.isEmpty { errors.required(path.child("resourceRules")) }
        for key in ["resourceRules", "excludeResourceRules"] {
            for (index, rule) in (match[key]?.array ?? []).enumerated() {
                let path = path.child(key).index(index)
                AdmissionRules.check(rule, path, &errors)
                var names: Set<String> = []
                for (index, name) in (rule["resourceNames"]?.array ?? []).map({ $0.string ?? "" }).enumerated() {
                    let path = path.child("resourceNames").index(index)
                    errors.invalid(path, .string(name), Validation.pathSegmentName(name))
                    if !names.insert(name).inserted { errors.duplicate(path, .string(name)) }
                }
            }
        }
        errors.oneOf(path.child("matchPolicy"), match.text("matchPolicy"), ["Equivalent", "Exact"])
    }
}
