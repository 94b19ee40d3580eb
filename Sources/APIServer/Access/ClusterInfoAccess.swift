/// ConfigMap `cluster-info` in `kube-public`, which everybody may read: a machine that has no credentials yet finds the
/// authority by it. It holds no secret, and the machine knows the authority's hash.
enum ClusterInfoAccess {
    private static let path = "/api/v1/namespaces/kube-public/configmaps/cluster-info"

    static func allows(_ attributes: AccessAttributes) -> Bool {
        guard attributes.verb == "get" else { return false }
        switch attributes.target {
        // Before anything is known about the resource that a path names.
        case .path(let path): return path == Self.path
        case .resource(let resource):
            return resource.group.isEmpty && resource.plural == "configmaps" && resource.subresource.isEmpty
                && resource.namespace == "kube-public" && resource.name == "cluster-info"
        }
    }
}
