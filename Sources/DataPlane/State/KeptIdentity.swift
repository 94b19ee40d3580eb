package import KubeModel

/// Who an object is and in which version: all that an informer asks of its metadata, in a quarter of the room.
package struct KeptIdentity: Hashable, Sendable {
    private var name: String?
    private var namespace: String?
    private var uid: String?
    private var resourceVersion: String?

    package init(_ metadata: ObjectMeta) {
        name = metadata.name
        namespace = metadata.namespace
        uid = metadata.uid
        resourceVersion = metadata.resourceVersion
    }

    package var metadata: ObjectMeta {
        ObjectMeta(name: name, namespace: namespace, uid: uid, resourceVersion: resourceVersion)
    }
}
