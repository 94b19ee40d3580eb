import KubeModel

/// `rbac.authorization.k8s.io/v1` RoleBinding and ClusterRoleBinding: kept and checked, not enforced.
struct RoleBindingStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let nameRule = NameRule.pathSegment
    let allowsCreateOnUpdate = true

    /// RoleBinding, or ClusterRoleBinding.
    init(isClusterWide: Bool) {
        definition =
            isClusterWide
            ? .builtIn(RoleStrategy.group, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced: false)
            : .builtIn(RoleStrategy.group, "v1", "RoleBinding", "rolebindings")
    }

    func prepareForCreate(_ object: inout JSONValue, _ context: StrategyContext) {
        if object.text("roleRef", "apiGroup").isEmpty { object["roleRef"]["apiGroup"] = .string(RoleStrategy.group) }
        guard case .array(var subjects)? = object["subjects"] else { return }
        for index in subjects.indices
        where subjects[index].text("apiGroup").isEmpty && subjects[index]["kind"] != "ServiceAccount" {
            subjects[index]["apiGroup"] = .string(RoleStrategy.group)
        }
        object["subjects"] = .array(subjects)
    }

    func prepareForUpdate(_ object: inout JSONValue, from old: JSONValue, _ context: StrategyContext) {
        prepareForCreate(&object, context)
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        let path = FieldPath("roleRef")
        let group = object.text("roleRef", "apiGroup")
        errors.oneOf(path.child("apiGroup"), group, [RoleStrategy.group])
        let kinds = definition.namespaced ? ["ClusterRole", "Role"] : ["ClusterRole"]
        errors.oneOf(path.child("kind"), object.text("roleRef", "kind"), kinds)
        let name = object.text("roleRef", "name")
        if name.isEmpty {
            errors.required(path.child("name"))
        } else {
            errors.invalid(path.child("name"), .string(name), Validation.pathSegmentName(name))
        }
        for (index, subject) in (object["subjects"]?.array ?? []).enumerated() {
            check(subject, FieldPath("subjects").index(index), &errors)
        }
        return errors
    }

    func validateUpdate(_ object: JSONValue, from old: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors = validate(object, context)
        if object["roleRef"] != old["roleRef"] {
            errors.invalid(FieldPath("roleRef"), object["roleRef"] ?? .null, "cannot change roleRef")
        }
        return errors
    }

    private func check(_ subject: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = subject.text("name")
        if name.isEmpty { errors.required(path.child("name")) }
        let group = subject.text("apiGroup")
        switch subject.text("kind") {
        case "ServiceAccount":
            if !name.isEmpty { errors.invalid(path.child("name"), .string(name), Validation.dns1123Subdomain(name)) }
            if !group.isEmpty { errors.notSupported(path.child("apiGroup"), group, [""]) }
            // In a RoleBinding an absent namespace means the binding's own.
            if !definition.namespaced, subject.text("namespace").isEmpty {
                errors.required(path.child("namespace"))
            }
        case "User", "Group": errors.oneOf(path.child("apiGroup"), group, [RoleStrategy.group])
        case let other: errors.notSupported(path.child("kind"), other, ["ServiceAccount", "User", "Group"])
        }
    }
}
