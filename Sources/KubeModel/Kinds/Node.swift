/// A node (core/v1): the fields that traffic depends on.
public struct Node: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Node", plural: "nodes", singular: "node", namespaced: false,
        shortNames: ["no"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// How it is to be used.
    public var spec: NodeSpec?
    /// How it is.
    public var status: NodeStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: NodeSpec? = nil, status: NodeStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// How a node is to be used.
public struct NodeSpec: Codable, Hashable, Sendable {
    /// The first network of its Pods.
    public var podCIDR: String?
    /// The networks of its Pods, one a family.
    public var podCIDRs: [String]?
    /// Whether new Pods stay away.
    public var unschedulable: Bool?

    public init(
        podCIDR: String? = nil, podCIDRs: [String]? = nil, unschedulable: Bool? = nil
    ) {
        self.podCIDR = podCIDR
        self.podCIDRs = podCIDRs
        self.unschedulable = unschedulable
    }
}

/// How a node is.
public struct NodeStatus: Codable, Hashable, Sendable {
    /// Its addresses and names.
    public var addresses: [NodeAddress]?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        addresses: [NodeAddress]? = nil, conditions: [Condition]? = nil
    ) {
        self.addresses = addresses
        self.conditions = conditions
    }
}

/// An address or name of a node.
public struct NodeAddress: Codable, Hashable, Sendable {
    /// `InternalIP`, `ExternalIP`, `Hostname`, `InternalDNS` or `ExternalDNS`.
    public var type: String
    /// The address.
    public var address: String

    public init(
        type: String = "", address: String = ""
    ) {
        self.type = type
        self.address = address
    }
}
