/// A ConfigMap (core/v1).
public struct ConfigMap: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "ConfigMap", plural: "configmaps", singular: "configmap", namespaced: true,
        shortNames: ["cm"], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Text by key.
    public var data: [String: String]?
    /// Other bytes by key, base64.
    public var binaryData: [String: String]?
    /// Whether its data may change.
    public var immutable: Bool?

    public init(
        metadata: ObjectMeta = ObjectMeta(), data: [String: String]? = nil, binaryData: [String: String]? = nil,
        immutable: Bool? = nil
    ) {
        self.metadata = metadata
        self.data = data
        self.binaryData = binaryData
        self.immutable = immutable
    }
}
