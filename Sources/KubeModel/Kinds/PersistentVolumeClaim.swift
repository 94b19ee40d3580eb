/// A wish for storage: its metadata, which is all that is looked at here.
public struct PersistentVolumeClaim: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "PersistentVolumeClaim", plural: "persistentvolumeclaims",
        singular: "persistentvolumeclaim", namespaced: true, shortNames: ["pvc"], categories: [], hasStatus: true)

    /// Name, finalizers, revision and so on.
    public var metadata: ObjectMeta

    public init(metadata: ObjectMeta = ObjectMeta()) {
        self.metadata = metadata
    }
}
