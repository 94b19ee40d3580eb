/// Announces the addresses of pools on the local network (metallb.io/v1beta1, as MetalLB defines it).
public struct L2Advertisement: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "L2Advertisement", plural: "l2advertisements",
        singular: "l2advertisement", namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Which addresses are announced, by whom and where.
    public var spec: L2AdvertisementSpec?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: L2AdvertisementSpec? = nil) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Which addresses are announced, by whom and where.
public struct L2AdvertisementSpec: Codable, Hashable, Sendable {
    /// Names of pools of the same namespace.
    public var ipAddressPools: [String]?
    /// Pools of the same namespace by their labels; with neither names nor selectors all.
    public var ipAddressPoolSelectors: [LabelSelector]?
    /// Nodes that may announce; absent or empty means all.
    public var nodeSelectors: [LabelSelector]?
    /// Nodes that are rather taken.
    public var preferredNodeSelectors: [PreferredNodeSelector]?
    /// Services whose addresses are announced; absent or empty means all.
    public var serviceSelectors: [LabelSelector]?
    /// Network interfaces that announce; absent or empty means all.
    public var interfaces: [String]?

    public init(
        ipAddressPools: [String]? = nil, ipAddressPoolSelectors: [LabelSelector]? = nil,
        nodeSelectors: [LabelSelector]? = nil, preferredNodeSelectors: [PreferredNodeSelector]? = nil,
        serviceSelectors: [LabelSelector]? = nil, interfaces: [String]? = nil
    ) {
        self.ipAddressPools = ipAddressPools
        self.ipAddressPoolSelectors = ipAddressPoolSelectors
        self.nodeSelectors = nodeSelectors
        self.preferredNodeSelectors = preferredNodeSelectors
        self.serviceSelectors = serviceSelectors
        self.interfaces = interfaces
    }
}

/// Nodes that are rather taken than others.
public struct PreferredNodeSelector: Codable, Hashable, Sendable {
    /// What a selected node gains, from 1 to 100; the weights of several are added.
    public var weight: Int?
    /// The nodes, by their labels.
    public var preference: LabelSelector?

    public init(weight: Int? = nil, preference: LabelSelector? = nil) {
        self.weight = weight
        self.preference = preference
    }
}
