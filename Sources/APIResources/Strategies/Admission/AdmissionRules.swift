import KubeModel

/// The rules of what webhooks and policies share: operations on resources, and conditions.
enum AdmissionRules {
    private static let operations = ["*", "CONNECT", "CREATE", "DELETE", "UPDATE"]
    private static let mostConditions = 64

    /// A `RuleWithOperations`.
    static func check(_ rule: JSONValue, _ path: FieldPath, _ errors: inout [FieldError]) {
        let operations = rule["operations"]?.array ?? []
        checkList(operations, "operations", path.child("operations"), &errors)
        for (index, operation) in operations.enumerated() {
            errors.oneOf(path.child("operations").index(index), operation.string ?? "", Self.operations)
        }
        checkList(rule["apiGroups"]?.array ?? [], "API groups", path.child("apiGroups"), &errors)
        let versions = rule["apiVersions"]?.array ?? []
        checkList(versions, "API versions", path.child("apiVersions"), &errors)
        for (index, version) in versions.enumerated() where version == "" {
            errors.required(path.child("apiVersions").index(index))
        }
        checkResources((rule["resources"]?.array ?? []).map { $0.string ?? "" }, path.child("resources"), &errors)
        if let scope = rule.at("scope")?.string {
            errors.oneOf(path.child("scope"), scope, ["*", "Cluster", "Namespaced"])
        }
    }

    private static func checkList(
        _ values: [JSONValue], _ what: String, _ path: FieldPath, _ errors: inout [FieldError]
    ) {
        if values.isEmpty { errors.required(path) }
        if values.count > 1, values.contains("*") {
            errors.invalid(path, .array(values), "if '*' is present, must not specify other \(what)")
        }
    }

    /// Wildcards may not cover what is named beside them.
    private static func checkResources(_ resources: [String], _ path: FieldPath, _ errors: inout [FieldError]) {
        if resources.isEmpty { errors.required(path) }
        let all = JSONValue.array(resources.map(JSONValue.string))
        if resources.count > 1, resources.contains("*/*") {
            return errors.invalid(path, all, "if '*/*' is present, must not specify other resources")
        }
        // Kubernetes compares with the wildcards that stand before.
        var withAnySubresource: Set<String> = []
        var subresourcesOfAll: Set<String> = []
        for (index, text) in resources.enumerated() {
            if text.isEmpty {
                errors.required(path.index(index))
                continue
            }
            let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let resource = parts[0]
            let subresource = parts.count > 1 ? parts[1] : ""
            if withAnySubresource.contains(resource) {
                errors.invalid(
                    path.index(index), .string(text), "if '\(resource)/*' is present, must not specify \(text)")
            }
            if subresourcesOfAll.contains(subresource) {
                errors.invalid(
                    path.index(index), .string(text), "if '*/\(subresource)' is present, must not specify \(text)")
            }
            if subresource == "*" { withAnySubresource.insert(resource) }
            if resource == "*", !subresource.isEmpty { subresourcesOfAll.insert(subresource) }
        }
        if resources.contains("*"), resources.contains(where: { $0 != "*" && !$0.contains("/") }) {
            errors.invalid(
                path, all, "if '*' is present, must not specify other resources without subresources")
        }
    }

    /// `matchConditions`: names and expressions.
    static func checkConditions(_ conditions: [JSONValue], _ path: FieldPath, _ errors: inout [FieldError]) {
        if conditions.count > mostConditions { errors.tooMany(path, conditions.count, mostConditions) }
        var names: Set<String> = []
        for (index, condition) in conditions.enumerated() {
            let path = path.index(index)
            AdmissionExpressions.check(condition.text("expression"), path.child("expression"), &errors)
            let name = condition.text("name")
            if name.isEmpty {
                errors.required(path.child("name"))
            } else {
                errors.invalid(path.child("name"), .string(name), Validation.qualifiedName(name))
                if !names.insert(name).inserted { errors.duplicate(path.child("name"), .string(name)) }
            }
        }
    }
}
