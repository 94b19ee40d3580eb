import KubeModel

/// `v1.ServiceAccount`: stored as it is; nothing beyond the schema is checked.
struct ServiceAccountStrategy: ResourceStrategy {
    let definition = ResourceDefinition.builtIn("", "v1", "ServiceAccount", "serviceaccounts", short: ["sa"])
    let returnsDeletedObject = true
    let unimplementedSubresources = [
        SubresourceDefinition(
            "token", kind: GroupVersionKind(group: "authentication.k8s.io", version: "v1", kind: "TokenRequest"),
            verbs: ["create"])
    ]
}
