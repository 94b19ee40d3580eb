import KubeModel

/// The rules of tolerations, spreading and affinity.
struct SchedulingRules {
    let path: FieldPath

    func check(_ fields: JSONObject, _ errors: inout [FieldError]) {
        for (index, toleration) in (fields["tolerations"]?.array ?? []).enumerated() {
            checkToleration(toleration, path.child("tolerations").index(index), &errors)
        }
        checkGates(fields["schedulingGates"]?.array ?? [], path.child("schedulingGates"), &errors)
        checkSpread(fields["topologySpreadConstraints"]?.array ?? [], &errors)
        guard let affinity = fields["affinity"] else { return }
        let path = path.child("affinity")
        if let node = affinity.at("nodeAffinity") { checkNodes(node, path.child("nodeAffinity"), &errors) }
        for key in ["podAffinity", "podAntiAffinity"] {
            if let pods = affinity.at(key) { checkPods(pods, path.child(key), &errors) }
        }
    }

    private func checkToleration(_ toleration: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let key = toleration.text("key")
        let comparison = toleration.text("operator")
        let effect = toleration.text("effect")
        if !key.isEmpty { errors.invalid(path.child("key"), .string(key), Validation.qualifiedName(key)) }
        if key.isEmpty, comparison != "Exists" {
            errors.invalid(
                path.child("operator"), .string(comparison),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if toleration.at("tolerationSeconds") != nil, effect != "NoExecute" {
            errors.invalid(
                path.child("effect"), .string(effect),
                "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        let value = toleration.text("value")
        switch comparison {
        case "", "Equal":
            errors.invalid(path.child("operator"), .string(value), Validation.labelValue(value))
        case "Exists":
            if !value.isEmpty {
                errors.invalid(
                    path.child("operator"), .string(value), "value must be empty when `operator` is 'Exists'")
            }
        default: errors.notSupported(path.child("operator"), comparison, ["Equal", "Exists"])
        }
        if !effect.isEmpty {
            errors.oneOf(path.child("effect"), effect, ["NoExecute", "NoSchedule", "PreferNoSchedule"])
        }
    }

    private func checkGates(_ gates: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        var names: Set<ByteKey> = []
        for (index, gate) in gates.enumerated() {
            let name = gate.text("name")
            errors.invalid(path.index(index).child("name"), .string(name), Validation.qualifiedName(name))
            if !names.insert(ByteKey(name)).inserted { errors.duplicate(path.index(index), .string(name)) }
        }
    }

    private func checkSpread(_ constraints: [JSONValue], _ errors: inout [FieldError]) {
        var seen: Set<String> = []
        for (index, constraint) in constraints.enumerated() {
            let path = path.child("topologySpreadConstraints").index(index)
            if let skew = constraint["maxSkew"], skew.int ?? 0 <= 0 {
                errors.invalid(path.child("maxSkew"), skew, "must be greater than zero")
            }
            let key = constraint.text("topologyKey")
            if key.isEmpty {
                errors.required(path.child("topologyKey"), "can not be empty")
            } else {
                errors.invalid(path.child("topologyKey"), .string(key), Validation.qualifiedName(key))
            }
            let policy = constraint.text("whenUnsatisfiable")
            errors.oneOf(path.child("whenUnsatisfiable"), policy, ["DoNotSchedule", "ScheduleAnyway"])
            if !seen.insert("\(key) \(policy)").inserted {
                errors.duplicate(path.child("{topologyKey, whenUnsatisfiable}"), .string("{\(key), \(policy)}"))
            }
            if let selector = LabelSelector(document: constraint["labelSelector"]) {
                errors += Validation.labelSelector(selector, at: path.child("labelSelector"))
            }
        }
    }

    private func checkNodes(_ affinity: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        if let selector = affinity.at(required) { Self.checkNodeSelector(selector, path.child(required), &errors) }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, entry) in (affinity[preferred]?.array ?? []).enumerated() {
            let path = path.child(preferred).index(index)
            if let weight = entry["weight"], !(1...100).contains(weight.int ?? 0) {
                errors.invalid(path.child("weight"), weight, "must be in the range 1-100")
            }
            if let term = entry["preference"] { Self.checkTerm(term, path.child("preference"), &errors) }
        }
    }

    /// A `v1.NodeSelector`: nodes that match one of its terms.
    static func checkNodeSelector(_ selector: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let terms = selector["nodeSelectorTerms"]?.array ?? []
        let path = path.child("nodeSelectorTerms")
        if terms.isEmpty { errors.required(path, "must have at least one node selector term") }
        for (index, term) in terms.enumerated() { checkTerm(term, path.index(index), &errors) }
    }

    private static func checkTerm(_ term: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (index, expression) in (term["matchExpressions"]?.array ?? []).enumerated() {
            let path = path.child("matchExpressions").index(index)
            let values = expression["values"]?.array ?? []
            switch expression.text("operator") {
            case "In", "NotIn":
                if values.isEmpty {
                    errors.required(path.child("values"), "must be specified when `operator` is 'In' or 'NotIn'")
                }
            case "Exists", "DoesNotExist":
                if !values.isEmpty {
                    errors.forbidden(
                        path.child("values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                }
            case "Gt", "Lt":
                if values.count != 1 {
                    errors.required(
                        path.child("values"), "must be specified single value when `operator` is 'Lt' or 'Gt'")
                }
            case let other: errors.invalid(path.child("operator"), .string(other), "not a valid selector operator")
            }
            let key = expression.text("key")
            errors.invalid(path.child("key"), .string(key), Validation.qualifiedName(key))
        }
    }

    private func checkPods(_ affinity: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let required = "requiredDuringSchedulingIgnoredDuringExecution"
        for (index, term) in (affinity[required]?.array ?? []).enumerated() {
            checkPodTerm(term, path.child(required).index(index), &errors)
        }
        let preferred = "preferredDuringSchedulingIgnoredDuringExecution"
        for (index, entry) in (affinity[preferred]?.array ?? []).enumerated() {
            let path = path.child(preferred).index(index)
            if let weight = entry["weight"], !(1...100).contains(weight.int ?? 0) {
                errors.invalid(path.child("weight"), weight, "must be in the range 1-100")
            }
            if let term = entry["podAffinityTerm"] { checkPodTerm(term, path.child("podAffinityTerm"), &errors) }
        }
    }

    private func checkPodTerm(_ term: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        for key in ["labelSelector", "namespaceSelector"] {
            if let selector = LabelSelector(document: term[key]) {
                errors += Validation.labelSelector(selector, at: path.child(key))
            }
        }
        for (index, name) in (term["namespaces"]?.array ?? []).enumerated() {
            errors.invalid(path.child("namespaces").index(index), name, Validation.dns1123Label(name.string ?? ""))
        }
        let key = term.text("topologyKey")
        if key.isEmpty {
            errors.required(path.child("topologyKey"), "can not be empty")
        } else {
            errors.invalid(path.child("topologyKey"), .string(key), Validation.qualifiedName(key))
        }
    }
}
