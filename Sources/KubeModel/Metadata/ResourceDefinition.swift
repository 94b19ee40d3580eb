/// What discovery says about a kind: its names and scope.
public struct ResourceDefinition: Sendable, Hashable {
    /// Empty for the core group.
    public var group: String
    public var version: String
    public var kind: String
    /// Kind of a list of the objects: the kind and `List`, unless a CustomResourceDefinition says otherwise.
    public var listKind: String
    public var plural: String
    public var singular: String
    public var namespaced: Bool
    public var shortNames: [String]
    public var categories: [String]
    /// Whether it has a `status` subresource.
    public var hasStatus: Bool

    /// `singular` is the kind in lower case unless given.
    public init(
        group: String = "", version: String = "v1", kind: String, plural: String, singular: String? = nil,
        namespaced: Bool, shortNames: [String] = [], categories: [String] = [], hasStatus: Bool = false
    ) {
        self.group = group
        self.version = version
        self.kind = kind
        listKind = kind + "List"
        self.plural = plural
        self.singular = singular ?? kind.lowercased()
        self.namespaced = namespaced
        self.shortNames = shortNames
        self.categories = categories
        self.hasStatus = hasStatus
    }

    public var apiVersion: String { groupVersion.description }
    public var groupVersion: GroupVersion { GroupVersion(group: group, version: version) }
    public var groupKind: GroupKind { GroupKind(group: group, kind: kind) }
    public var groupResource: GroupResource { GroupResource(group: group, resource: plural) }
    public var groupVersionKind: GroupVersionKind { GroupVersionKind(group: group, version: version, kind: kind) }
    public var groupVersionResource: GroupVersionResource {
        GroupVersionResource(group: group, version: version, resource: plural)
    }

    /// Where its objects are: `/api/v1/namespaces/default/services`, `/apis/networking.k8s.io/v1/ingressclasses`.
    /// Without a namespace a namespaced resource gives the path over all namespaces. `name` and `subresource` are
    /// appended when given.
    public func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if namespaced, let namespace, !namespace.isEmpty { path += "/namespaces/\(namespace)" }
        path += "/\(plural)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }
}
