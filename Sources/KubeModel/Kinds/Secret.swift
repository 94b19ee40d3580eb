/// A Secret (core/v1).
public struct Secret: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Secret", plural: "secrets", singular: "secret", namespaced: true,
        shortNames: [], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Such as `Opaque` or `kubernetes.io/tls`.
    public var type: String?
    /// The values, base64 (RFC 4648, section 4).
    public var data: [String: String]?
    /// Whether its data may change.
    public var immutable: Bool?

    public init(
        metadata: ObjectMeta = ObjectMeta(), type: String? = nil, data: [String: String]? = nil,
        immutable: Bool? = nil
    ) {
        self.metadata = metadata
        self.type = type
        self.data = data
        self.immutable = immutable
    }
}

extension Secret {
    /// The decoded value of a key; nil when it is absent or not base64.
    public func bytes(forKey key: String) -> [UInt8]? {
        data?[key].flatMap { Base64.decode($0) }
    }
}
