import APIResources
import KubeModel

/// Who wants to do what: all that a decision is made from (Kubernetes: "Authorization", request attributes).
struct AccessAttributes: Sendable, Hashable {
    enum Target: Sendable, Hashable {
        case resource(Resource)
        /// A path that names no resource, "/healthz".
        case path(String)
    }

    struct Resource: Sendable, Hashable {
        /// "" for the core group; "*" in a review for all.
        var group = ""
        var version = ""
        /// Plural, lower case.
        var plural: String
        var subresource = ""
        /// "" for cluster-scoped resources and for all namespaces.
        var namespace = ""
        /// "" for a collection.
        var name = ""
        /// What a list or a watch is narrowed to; nil for nothing, and for what cannot be read.
        var fields: FieldSelector?
    }

    var user: UserInfo
    /// "get", "list", … of a resource; of a path the HTTP method in lower case.
    var verb: String
    var target: Target
}

extension AccessAttributes.Resource {
    /// "pods", "pods/log".
    var path: String { subresource.isEmpty ? plural : "\(plural)/\(subresource)" }
}
