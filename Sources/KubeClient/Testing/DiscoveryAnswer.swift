import KubeModel

/// Discovery documents for the API in memory.
enum DiscoveryAnswer {
    /// An `APIGroupDiscoveryList` of kinds that can do everything.
    static func aggregated(_ definitions: [ResourceDefinition]) -> JSONValue {
        var groups: [String] = []
        for definition in definitions where !groups.contains(definition.group) { groups.append(definition.group) }
        return [
            "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
            "items": .array(
                groups.map { name in
                    [
                        "metadata": ["name": .string(name)],
                        "versions": versions(definitions.filter { $0.group == name }),
                    ]
                }),
        ]
    }

    private static func versions(_ definitions: [ResourceDefinition]) -> JSONValue {
        var versions: [String] = []
        for definition in definitions where !versions.contains(definition.version) {
            versions.append(definition.version)
        }
        return .array(
            versions.map { version in
                [
                    "version": .string(version), "freshness": "Current",
                    "resources": .array(definitions.filter { $0.version == version }.map(resource)),
                ]
            })
    }

    private static func resource(_ definition: ResourceDefinition) -> JSONValue {
        [
            "resource": .string(definition.plural), "singularResource": .string(definition.singular),
            "responseKind": [
                "group": .string(definition.group), "version": .string(definition.version),
                "kind": .string(definition.kind),
            ],
            "scope": definition.namespaced ? "Namespaced" : "Cluster",
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
            "subresources": definition.hasStatus ? [["subresource": "status"]] : [],
        ]
    }
}
