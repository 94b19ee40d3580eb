package import KubeModel

/// Who an object is and in which version: all that an informer asks of its metadata, in a quarter of the room.
package struct KeptIdentity: Hashable, Sendable {
    private var name: String?
    private var namespace: String?
    private var uid: ObjectUID?
    private var resourceVersion: String?

    package init(_ metadata: ObjectMeta) {
        name = metadata.name?.detached
        namespace = metadata.namespace?.detached
        uid = metadata.uid.map { ObjectUID($0) }
        resourceVersion = metadata.resourceVersion?.detached
    }

    package var key: NamespacedName { NamespacedName(namespace: namespace ?? "", name: name ?? "") }

    package var metadata: ObjectMeta {
        ObjectMeta(name: name, namespace: namespace, uid: uid?.description, resourceVersion: resourceVersion)
    }
}
