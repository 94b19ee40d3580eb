import KubeModel

extension ResourceDefinition {
    /// Whether a whole collection may be deleted at once. Not so for namespaces: each takes its contents along.
    var allowsDeleteCollection: Bool { !(group.isEmpty && plural == "namespaces") }

    /// The verbs of the resource itself as discovery lists them.
    var servedVerbs: JSONValue {
        let all = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        return .array(all.filter { $0 != "deletecollection" || allowsDeleteCollection }.map { .string($0) })
    }
}
