/// A piece of storage: its metadata and whether a claim holds it, which is all that is looked at here.
public struct PersistentVolume: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "PersistentVolume", plural: "persistentvolumes", singular: "persistentvolume",
        namespaced: false, shortNames: ["pv"], categories: [], hasStatus: true)

    /// Name, finalizers, revision and so on.
    public var metadata: ObjectMeta
    /// Where it stands.
    public var status: PersistentVolumeStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), status: PersistentVolumeStatus? = nil) {
        self.metadata = metadata
        self.status = status
    }
}

/// Where a volume stands.
public struct PersistentVolumeStatus: Codable, Hashable, Sendable {
    /// `Pending`, `Available`, `Bound`, `Released` or `Failed`.
    public var phase: String?

    public init(phase: String? = nil) {
        self.phase = phase
    }
}
