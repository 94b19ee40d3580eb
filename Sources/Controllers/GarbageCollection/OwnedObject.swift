import KubeModel

/// What ownership is about, of an object of any kind: its identity, owners and finalizers. Everything else of its
/// metadata is dropped when it arrives.
struct OwnedObject: KubeObject {
    /// A placeholder: requests name the resource that is read.
    static let definition = ResourceDefinition(
        group: "meta.k8s.io", kind: "PartialObjectMetadata", plural: "", namespaced: true)

    var metadata: ObjectMeta

    init(metadata: ObjectMeta) { self.metadata = metadata }

    init(from decoder: any Decoder) throws {
        let known = try decoder.container(keyedBy: Key.self).decode(Known.self, forKey: .metadata)
        metadata = ObjectMeta(
            name: known.name, namespace: known.namespace, uid: known.uid, resourceVersion: known.resourceVersion,
            deletionTimestamp: known.deletionTimestamp, ownerReferences: known.ownerReferences,
            finalizers: known.finalizers)
    }

    private enum Key: CodingKey {
        case metadata
    }

    private struct Known: Decodable {
        var name: String?
        var namespace: String?
        var uid: String?
        var resourceVersion: String?
        var deletionTimestamp: Timestamp?
        var ownerReferences: [OwnerReference]?
        var finalizers: [String]?
    }
}
