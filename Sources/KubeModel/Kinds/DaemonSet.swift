/// A DaemonSet (apps/v1), as far as Martlet looks at it: nothing here starts its Pods.
public struct DaemonSet: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", singular: "daemonset", namespaced: true,
        shortNames: ["ds"], categories: ["all"], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// How many Pods it wants.
    public var spec: ReplicatedSpec?
    /// What a controller made of it.
    public var status: ReplicatedStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: ReplicatedSpec? = nil, status: ReplicatedStatus? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}
