import KubeModel

/// `rbac.authorization.k8s.io/v1` Role and ClusterRole: kept and checked. Nothing is enforced: every authenticated caller
/// is an administrator.
struct RoleStrategy: ResourceStrategy {
    let definition: ResourceDefinition
    let nameRule = NameRule.pathSegment
    let allowsCreateOnUpdate = true

    static let group = "rbac.authorization.k8s.io"

    /// Role, or ClusterRole.
    init(isClusterWide: Bool) {
        definition =
            isClusterWide
            ? .builtIn(Self.group, "v1", "ClusterRole", "clusterroles", namespaced: false)
            : .builtIn(Self.group, "v1", "Role", "roles")
    }

    func validate(_ object: JSONValue, _ context: StrategyContext) -> [FieldError] {
        var errors: [FieldError] = []
        for (index, rule) in (object["rules"]?.array ?? []).enumerated() {
            check(rule, FieldPath("rules").index(index), &errors)
        }
        let selectors = object["aggregationRule"]["clusterRoleSelectors"].array
        let path = FieldPath("aggregationRule", "clusterRoleSelectors")
        if object.at("aggregationRule") != nil, (selectors ?? []).isEmpty {
            errors.required(path, "at least one clusterRoleSelector required if aggregationRule is non-nil")
        }
        for (index, document) in (selectors ?? []).enumerated() {
            if let selector = LabelSelector(document: document) {
                errors += Validation.labelSelector(selector, at: path.index(index))
            }
        }
        return errors
    }

    private func check(_ rule: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        func isEmpty(_ key: String) -> Bool { (rule[key]?.array ?? []).isEmpty }
        if isEmpty("verbs") { errors.required(path.child("verbs"), "verbs must contain at least one value") }
        if !isEmpty("nonResourceURLs") {
            if definition.namespaced {
                errors.invalid(
                    path.child("nonResourceURLs"), rule["nonResourceURLs"] ?? .null,
                    "namespaced rules cannot apply to non-resource URLs")
            }
            if !isEmpty("apiGroups") || !isEmpty("resources") || !isEmpty("resourceNames") {
                errors.invalid(
                    path.child("nonResourceURLs"), rule["nonResourceURLs"] ?? .null,
                    "rules cannot apply to both regular resources and non-resource URLs")
            }
            return
        }
        if isEmpty("apiGroups") {
            errors.required(path.child("apiGroups"), "resource rules must supply at least one api group")
        }
        if isEmpty("resources") {
            errors.required(path.child("resources"), "resource rules must supply at least one resource")
        }
    }
}
