import KubeModel
import WatchCache

/// What a write has to respect about its namespace: it must exist and must not be going away.
/// Kubernetes: the NamespaceLifecycle admission plug-in.
struct NamespaceLifecycle: Sendable {
    /// Namespaces that are made at start.
    static let system = ["default", "kube-node-lease", "kube-public", "kube-system"]
    /// Of those, the ones that can't be deleted.
    static let immortal: Set<String> = ["default", "kube-public", "kube-system"]

    let namespaces: ServedResource

    /// - Throws: 404 for a create in a namespace that is not there, 403 in one that is being terminated.
    func admitCreate(_ request: WriteRequest, name: String) throws(Status) {
        guard request.resource.definition.namespaced else { return }
        guard let namespace = namespaces.cache.get(namespace: "", name: request.namespace) else {
            throw Status.notFound(namespaces.definition.groupResource, request.namespace)
        }
        let phase = namespace.field("status.phase", namespaces.cache.configuration.selectableFields)
        guard phase == "Terminating" else { return }
        var status = Status.forbidden(
            request.resource.definition.groupResource, name,
            "unable to create new content in namespace \(request.namespace) because it is being terminated")
        status.details?.causes = [
            Status.Cause(
                reason: "NamespaceTerminating", message: "namespace \(request.namespace) is being terminated",
                field: "metadata.namespace")
        ]
        throw status
    }

    /// - Throws: 403 for the deletion of a namespace the system needs.
    func admitDelete(_ request: WriteRequest) throws(Status) {
        guard request.resource.definition.groupKind == namespaces.definition.groupKind,
            Self.immortal.contains(request.name)
        else { return }
        throw Status.forbidden(
            namespaces.definition.groupResource, request.name, "this namespace may not be deleted")
    }
}
