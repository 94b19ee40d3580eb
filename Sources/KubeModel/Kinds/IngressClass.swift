/// An IngressClass (networking.k8s.io/v1): which controller serves the Ingresses that name it.
public struct IngressClass: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "networking.k8s.io", version: "v1", kind: "IngressClass", plural: "ingressclasses",
        singular: "ingressclass", namespaced: false,
        shortNames: [], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The controller and its parameters.
    public var spec: IngressClassSpec?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: IngressClassSpec? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// The controller of an IngressClass.
public struct IngressClassSpec: Codable, Hashable, Sendable {
    /// The controller's name, immutable.
    public var controller: String?
    /// An object with its configuration.
    public var parameters: IngressClassParametersReference?

    public init(
        controller: String? = nil, parameters: IngressClassParametersReference? = nil
    ) {
        self.controller = controller
        self.parameters = parameters
    }
}

/// An object with a controller's configuration.
public struct IngressClassParametersReference: Codable, Hashable, Sendable {
    /// Its group.
    public var apiGroup: String?
    /// Its kind.
    public var kind: String
    /// Its name.
    public var name: String
    /// `Cluster` or `Namespace`.
    public var scope: String?
    /// Its namespace, for scope `Namespace`.
    public var namespace: String?

    public init(
        apiGroup: String? = nil, kind: String = "", name: String = "", scope: String? = nil, namespace: String? = nil
    ) {
        self.apiGroup = apiGroup
        self.kind = kind
        self.name = name
        self.scope = scope
        self.namespace = namespace
    }
}
