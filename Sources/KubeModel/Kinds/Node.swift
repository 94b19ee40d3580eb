/// A node (core/v1): the fields that traffic depends on.
public struct Node: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Node", plural: "nodes", singular: "node", namespaced: false,
        shortNames: ["no"], categories: [], hasStatus: true)

    /// The label that names the zone which a node is in.
    public static let zoneLabel = "topology.kubernetes.io/zone"

    /// The zone, if a label names one.
    public var zone: String? { metadata.labels?[Self.zoneLabel].flatMap { $0.isEmpty ? nil : $0 } }

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
    /// What keeps Pods away that do not tolerate it.
    public var taints: [Taint]?

    public init(
        podCIDR: String? = nil, podCIDRs: [String]? = nil, unschedulable: Bool? = nil, taints: [Taint]? = nil
    ) {
        self.podCIDR = podCIDR
        self.podCIDRs = podCIDRs
        self.unschedulable = unschedulable
        self.taints = taints
    }
}

/// What keeps Pods away from a node.
public struct Taint: Codable, Hashable, Sendable {
    /// Such as `node.kubernetes.io/unreachable`.
    public var key: String
    /// What tolerations may ask for.
    public var value: String?
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    public var effect: String
    /// Since when, for `NoExecute`.
    public var timeAdded: Timestamp?

    public init(key: String = "", value: String? = nil, effect: String = "", timeAdded: Timestamp? = nil) {
        self.key = key
        self.value = value
        self.effect = effect
        self.timeAdded = timeAdded
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
