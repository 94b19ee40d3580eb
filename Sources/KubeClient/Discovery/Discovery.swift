public import KubeModel

/// A resource that a server lists in its discovery documents.
public struct DiscoveredResource: Sendable, Hashable {
    public var definition: ResourceDefinition
    /// Such as `list`, `watch` and `delete`.
    public var verbs: Set<String>

    public init(definition: ResourceDefinition, verbs: Set<String>) {
        self.definition = definition
        self.verbs = verbs
    }
}

/// What a server says that it serves, at one moment.
public struct Discovery: Sendable, Hashable {
    /// Every resource in every version: groups in the server's order, a group's versions with the preferred first.
    /// Subresources are not listed.
    public var resources: [DiscoveredResource]
    /// Versions of which the server knows that its list is out of date; what is missing of them may well exist.
    public var staleVersions: Set<GroupVersion>

    public init(resources: [DiscoveredResource] = [], staleVersions: Set<GroupVersion> = []) {
        self.resources = resources
        self.staleVersions = staleVersions
    }

    /// Each resource once, in the version that its group prefers.
    public var preferred: [DiscoveredResource] {
        var seen: Set<GroupResource> = []
        return resources.filter { seen.insert($0.definition.groupResource).inserted }
    }

    /// Reads the aggregated documents of KEP-3352; nil when the document is of another kind.
    init?(aggregated document: JSONValue) {
        guard document["kind"]?.string == "APIGroupDiscoveryList" else { return nil }
        self.init()
        for group in document["items"].array ?? [] {
            let name = group["metadata"]["name"].string ?? ""
            for version in group["versions"].array ?? [] {
                let groupVersion = GroupVersion(group: name, version: version["version"].string ?? "")
                if version["freshness"].string == "Stale" { staleVersions.insert(groupVersion) }
                for resource in version["resources"].array ?? [] {
                    guard let plural = resource["resource"].string, let kind = resource["responseKind"]["kind"].string
                    else { continue }
                    let subresources = (resource["subresources"].array ?? []).compactMap { $0["subresource"].string }
                    add(
                        groupVersion, kind: kind, plural: plural, singular: resource["singularResource"].string,
                        namespaced: resource["scope"].string == "Namespaced", names: resource,
                        hasStatus: subresources.contains("status"))
                }
            }
        }
    }

    /// Takes the resources of an `APIResourceList`, the document of one version.
    mutating func add(resourceList document: JSONValue, _ groupVersion: GroupVersion) {
        let entries = document["resources"].array ?? []
        let names = Set(entries.compactMap { $0["name"].string })
        for entry in entries {
            guard let plural = entry["name"].string, !plural.contains("/"), let kind = entry["kind"].string else {
                continue
            }
            add(
                groupVersion, kind: kind, plural: plural, singular: entry["singularName"].string,
                namespaced: entry["namespaced"]?.bool ?? false, names: entry,
                hasStatus: names.contains("\(plural)/status"))
        }
    }

    private mutating func add(
        _ groupVersion: GroupVersion, kind: String, plural: String, singular: String?, namespaced: Bool,
        names entry: JSONValue, hasStatus: Bool
    ) {
        let strings = { (key: String) in (entry[key].array ?? []).compactMap(\.string) }
        let definition = ResourceDefinition(
            group: groupVersion.group, version: groupVersion.version, kind: kind, plural: plural,
            singular: singular.flatMap { $0.isEmpty ? nil : $0 }, namespaced: namespaced,
            shortNames: strings("shortNames"), categories: strings("categories"), hasStatus: hasStatus)
        resources.append(DiscoveredResource(definition: definition, verbs: Set(strings("verbs"))))
    }
}
