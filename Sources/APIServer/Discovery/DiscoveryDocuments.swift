import APIResources
import KubeModel

/// What this server serves, as documents: the classic ones a group, and the aggregated ones of KEP-3352.
/// Built once for each set of resources.
struct DiscoveryDocuments: Sendable {
    /// `/api`, `/apis`, `/apis/GROUP`, `/api/v1`, `/apis/GROUP/VERSION` → JSON.
    let classic: [String: [UInt8]]
    /// `/api` and `/apis` → aggregated, by version of apidiscovery.k8s.io.
    let aggregated: [String: [String: Document]]

    struct Document: Sendable {
        let bytes: [UInt8]
        let etag: String
    }

    /// What a definition does not say about its resource.
    private struct Details {
        var subresources: [GroupVersionResource: [SubresourceDefinition]]
        /// The verbs of what is not kept.
        var unstored: [GroupVersionResource: [Verb]]

        func subresources(of definition: ResourceDefinition) -> [SubresourceDefinition] {
            subresources[definition.groupVersionResource] ?? []
        }

        func verbs(of definition: ResourceDefinition) -> JSONValue {
            unstored[definition.groupVersionResource].map { JSONValue($0.map(\.rawValue)) } ?? definition.servedVerbs
        }

        func isStored(_ definition: ResourceDefinition) -> Bool { unstored[definition.groupVersionResource] == nil }
    }

    init(_ resources: ServedResources.Snapshot, _ unstored: UnstoredResources) {
        let definitions = resources.all.map(\.definition) + unstored.all.map(\.definition)
        let details = Details(
            subresources: Dictionary(
                resources.all.map { ($0.definition.groupVersionResource, $0.strategy.subresources) },
                uniquingKeysWith: { first, _ in first }),
            unstored: Dictionary(
                unstored.all.map { ($0.definition.groupVersionResource, $0.resource.verbs) },
                uniquingKeysWith: { first, _ in first }))
        var groups: [String] = []
        for definition in definitions where !groups.contains(definition.group) { groups.append(definition.group) }
        groups.sort { GroupPriority($0) < GroupPriority($1) }
        let named = groups.filter { !$0.isEmpty }
        var classic: [String: [UInt8]] = [:]
        classic["/api"] = JSONValue.object([
            "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [],
        ]).encoded()
        classic["/apis"] = JSONValue.object([
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": .array(named.map { .object(Self.group($0, definitions)) }),
        ]).encoded()
        for group in named {
            var document: JSONObject = ["kind": "APIGroup", "apiVersion": "v1"]
            for (key, value) in Self.group(group, definitions) { document[key] = value }
            classic["/apis/\(group)"] = document.encoded()
        }
        for version in Self.versions(definitions) {
            let path = version.group.isEmpty ? "/api/\(version.version)" : "/apis/\(version)"
            classic[path] = Self.resourceList(
                version, definitions.filter { $0.groupVersion == version }, details
            ).encoded()
        }
        self.classic = classic
        var aggregated: [String: [String: Document]] = [:]
        for version in ["v2", "v2beta1"] {
            aggregated["/api", default: [:]][version] = Self.aggregate([""], definitions, details, version)
            aggregated["/apis", default: [:]][version] = Self.aggregate(named, definitions, details, version)
        }
        self.aggregated = aggregated
    }

    private static func versions(_ definitions: [ResourceDefinition]) -> [GroupVersion] {
        var versions: [GroupVersion] = []
        for definition in definitions where !versions.contains(definition.groupVersion) {
            versions.append(definition.groupVersion)
        }
        return versions
    }

    private static func group(_ name: String, _ definitions: [ResourceDefinition]) -> JSONObject {
        let versions: [JSONValue] = Self.versions(definitions.filter { $0.group == name }).map {
            ["groupVersion": .string($0.description), "version": .string($0.version)]
        }
        return ["name": .string(name), "versions": .array(versions), "preferredVersion": versions[0]]
    }

    private static func resourceList(
        _ version: GroupVersion, _ definitions: [ResourceDefinition], _ details: Details
    ) -> JSONValue {
        var resources: [JSONValue] = []
        for definition in definitions.sorted(by: { $0.plural < $1.plural }) {
            var entry: JSONObject = [
                "name": .string(definition.plural), "singularName": .string(definition.singular),
                "namespaced": .bool(definition.namespaced), "kind": .string(definition.kind),
                "verbs": details.verbs(of: definition),
            ]
            if !definition.shortNames.isEmpty { entry["shortNames"] = JSONValue(definition.shortNames) }
            if !definition.categories.isEmpty { entry["categories"] = JSONValue(definition.categories) }
            if details.isStored(definition) {
                entry["storageVersionHash"] = .string(
                    ContentHash.base64("\(definition.group)/\(definition.version)/\(definition.kind)"))
            }
            resources.append(.object(entry))
            for subresource in details.subresources(of: definition) {
                resources.append(listed(subresource, of: definition))
            }
        }
        return [
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": .string(version.description),
            "resources": .array(resources),
        ]
    }

    private static func listed(_ subresource: SubresourceDefinition, of definition: ResourceDefinition) -> JSONValue {
        var entry: JSONObject = [
            "name": .string("\(definition.plural)/\(subresource.name)"), "singularName": "",
            "namespaced": .bool(definition.namespaced),
        ]
        let kind = subresource.kind ?? definition.groupVersionKind
        if (kind.group, kind.version) != (definition.group, definition.version) {
            entry["group"] = .string(kind.group)
            entry["version"] = .string(kind.version)
        }
        entry["kind"] = .string(kind.kind)
        entry["verbs"] = JSONValue(subresource.verbs)
        return .object(entry)
    }

    private static func aggregate(
        _ groups: [String], _ definitions: [ResourceDefinition], _ details: Details, _ version: String
    ) -> Document {
        let items: [JSONValue] = groups.map { group in
            let own = definitions.filter { $0.group == group }
            var metadata: JSONObject = ["creationTimestamp": .null]
            if !group.isEmpty { metadata.insert("name", .string(group), at: 0) }
            return [
                "metadata": .object(metadata),
                "versions": .array(
                    versions(own).map { groupVersion in
                        [
                            "version": .string(groupVersion.version),
                            "resources": .array(
                                own.filter { $0.groupVersion == groupVersion }.sorted { $0.plural < $1.plural }
                                    .map { aggregatedResource($0, details) }),
                            "freshness": "Current",
                        ]
                    }),
            ]
        }
        let document: JSONValue = [
            "kind": "APIGroupDiscoveryList", "apiVersion": .string("apidiscovery.k8s.io/\(version)"), "metadata": [:],
            "items": .array(items),
        ]
        let bytes = document.encoded()
        return Document(bytes: bytes, etag: "\"\(ContentHash.hex(bytes))\"")
    }

    private static func aggregatedResource(
        _ definition: ResourceDefinition, _ details: Details
    ) -> JSONValue {
        let subresources = details.subresources(of: definition)
        var entry: JSONObject = [
            "resource": .string(definition.plural), "responseKind": kind(definition.groupVersionKind),
            "scope": definition.namespaced ? "Namespaced" : "Cluster",
            "singularResource": .string(definition.singular), "verbs": details.verbs(of: definition),
        ]
        if !definition.shortNames.isEmpty { entry["shortNames"] = JSONValue(definition.shortNames) }
        if !definition.categories.isEmpty { entry["categories"] = JSONValue(definition.categories) }
        if !subresources.isEmpty {
            entry["subresources"] = .array(
                subresources.map { subresource in
                    [
                        "subresource": .string(subresource.name),
                        "responseKind": kind(subresource.kind ?? definition.groupVersionKind),
                        "verbs": JSONValue(subresource.verbs),
                    ]
                })
        }
        return .object(entry)
    }

    private static func kind(_ kind: GroupVersionKind) -> JSONValue {
        ["group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind)]
    }
}
