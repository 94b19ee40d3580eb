import KubeModel

/// `v1.ResourceQuota`: kept and checked; nothing is counted.
struct ResourceQuotaStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn(
        "", "v1", "ResourceQuota", "resourcequotas", short: ["quota"], hasStatus: true)
    let returnsDeletedObject = true

    /// Names without a domain that a quota may limit (Kubernetes: `standardQuotaResources`).
    private static let standard: Set = [
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.storage",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage", "storage", "pods",
        "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims", "configmaps",
        "services.nodeports", "services.loadbalancers",
    ]
    private static let whole: Set = [
        "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "persistentvolumeclaims",
        "configmaps", "services.nodeports", "services.loadbalancers",
    ]
    private static let scopes = [
        "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
        "VolumeAttributesClass",
    ]
    private static let conflicts = [("BestEffort", "NotBestEffort"), ("Terminating", "NotTerminating")]

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        ResourceRules.canonicalize(&object["spec"]["hard"])
        object["status"] = [:]
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        ResourceRules.canonicalize(&object["spec"]["hard"])
        object["status"] = old["status"]
    }

    func prepareForStatusUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        object["spec"] = old["spec"]
        for key in ["hard", "used"] { ResourceRules.canonicalize(&object["status"][key]) }
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        checkAmounts(object["spec"]["hard"].object, FieldPath("spec", "hard"), &errors)
        checkScopes(object, &errors)
        for (index, item) in (object["spec"]["scopeSelector"]["matchExpressions"].array ?? []).enumerated() {
            checkRequirement(item, FieldPath("spec", "scopeSelector", "matchExpressions").index(index), &errors)
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        func names(_ document: JSONValue) -> Set<String> {
            Set((document["spec"]["scopes"].array ?? []).compactMap(\.string))
        }
        if names(object) != names(old) {
            errors.invalid(FieldPath("spec", "scopes"), object["spec"]["scopes"] ?? .null, Validation.immutableMessage)
        }
        return errors
    }

    func validateStatusUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for key in ["hard", "used"] {
            checkAmounts(object["status"][key].object, FieldPath("status", key), &errors)
        }
        return errors
    }

    private func checkAmounts(_ list: JSONObject?, _ path: FieldPath, _ errors: inout [FieldError]) {
        for (name, value) in list ?? JSONObject() {
            let path = path.key(name)
            let problems = Validation.qualifiedName(name)
            errors.invalid(path, .string(name), problems)
            if problems.isEmpty, !name.contains("/"), !Self.standard.contains(name),
                !["hugepages-", "requests.hugepages-"].contains(where: name.hasPrefix)
            {
                errors.invalid(path, .string(name), "must be a standard resource for quota")
            }
            guard let quantity = ResourceRules.quantity(value) else {
                errors.invalid(path, value, Quantity.syntaxMessage)
                continue
            }
            if quantity.nanos < 0 {
                errors.invalid(path, .string(quantity.description), "must be greater than or equal to 0")
            }
            if Self.whole.contains(name), !quantity.isWhole {
                errors.invalid(path, .string(quantity.description), "must be an integer")
            }
        }
    }

    private func checkScopes(_ object: JSONValue, _ errors: inout [FieldError]) {
        let path = FieldPath("spec", "scopes")
        let scopes = object["spec"]["scopes"].array ?? []
        let names = Set(scopes.compactMap(\.string))
        for scope in scopes where !Self.scopes.contains(scope.string ?? "") {
            errors.invalid(path, .array(scopes), "unsupported scope")
        }
        if Self.conflicts.contains(where: { names.contains($0.0) && names.contains($0.1) }) {
            errors.invalid(path, .array(scopes), "conflicting scopes")
        }
        if names.contains("BestEffort") {
            for (name, _) in object["spec"]["hard"].object ?? JSONObject() where name != "pods" {
                errors.invalid(path, .array(scopes), "unsupported scope applied to resource")
            }
        }
    }

    private func checkRequirement(_ item: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let scope = item.text("scopeName")
        let values = item["values"]?.array ?? []
        if !Self.scopes.contains(scope) {
            errors.invalid(path.child("scopeName"), .string(scope), "unsupported scope")
        }
        switch item.text("operator") {
        case "In", "NotIn":
            if values.isEmpty {
                errors.required(
                    path.child("values"),
                    "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector")
            }
        case "Exists", "DoesNotExist":
            if !values.isEmpty {
                errors.invalid(
                    path.child("values"), .array(values),
                    "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector")
            }
        case let other: errors.invalid(path.child("operator"), .string(other), "not a valid selector operator")
        }
        if scope != "PriorityClass", scope != "VolumeAttributesClass", item.text("operator") != "Exists" {
            errors.invalid(
                path.child("operator"), .string(item.text("operator")),
                "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, "
                    + "ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or "
                    + "ResourceQuotaScopeCrossNamespacePodAffinity")
        }
    }
}
