/// A namespace (core/v1).
public struct Namespace: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Namespace", plural: "namespaces", singular: "namespace", namespaced: false,
        shortNames: ["ns"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// What holds it back.
    public var spec: NamespaceSpec?
    /// Whether it is being removed.
    public var status: NamespaceStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: NamespaceSpec? = nil, status: NamespaceStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What holds a namespace back.
public struct NamespaceSpec: Codable, Hashable, Sendable {
    /// It stays until this is empty.
    public var finalizers: [String]?

    public init(
        finalizers: [String]? = nil
    ) {
        self.finalizers = finalizers
    }
}

/// Whether a namespace is being removed.
public struct NamespaceStatus: Codable, Hashable, Sendable {
    /// `Active` or `Terminating`.
    public var phase: String?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        phase: String? = nil, conditions: [Condition]? = nil
    ) {
        self.phase = phase
        self.conditions = conditions
    }
}
