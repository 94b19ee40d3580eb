/// Announces the addresses of pools to BGP peers (metallb.io/v1beta1, as MetalLB defines it).
public struct BGPAdvertisement: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "BGPAdvertisement", plural: "bgpadvertisements",
        singular: "bgpadvertisement", namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Which addresses are announced, to whom and how.
    public var spec: BGPAdvertisementSpec?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: BGPAdvertisementSpec? = nil) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// Which addresses are announced, to whom and how.
public struct BGPAdvertisementSpec: Codable, Hashable, Sendable {
    /// Length of the IPv4 prefixes that are announced; absent means 32.
    public var aggregationLength: Int?
    /// Length of the IPv6 prefixes that are announced; absent means 128.
    public var aggregationLengthV6: Int?
    /// LOCAL_PREF, told to peers of the same AS; absent means 0.
    public var localPref: Int64?
    /// `65000:100`, `large:64512:1:2`, or names of a ``Community``.
    public var communities: [String]?
    /// Names of pools of the same namespace.
    public var ipAddressPools: [String]?
    /// Pools of the same namespace by their labels; with neither names nor selectors all.
    public var ipAddressPoolSelectors: [LabelSelector]?
    /// Nodes that announce; absent or empty means all.
    public var nodeSelectors: [LabelSelector]?
    /// Services whose addresses are announced; absent or empty means all.
    public var serviceSelectors: [LabelSelector]?
    /// Names of the ``BGPPeer``s of the same namespace that are told; absent or empty means all.
    public var peers: [String]?

    public init(
        aggregationLength: Int? = nil, aggregationLengthV6: Int? = nil, localPref: Int64? = nil,
        communities: [String]? = nil, ipAddressPools: [String]? = nil, ipAddressPoolSelectors: [LabelSelector]? = nil,
        nodeSelectors: [LabelSelector]? = nil, serviceSelectors: [LabelSelector]? = nil, peers: [String]? = nil
    ) {
        self.aggregationLength = aggregationLength
        self.aggregationLengthV6 = aggregationLengthV6
        self.localPref = localPref
        self.communities = communities
        self.ipAddressPools = ipAddressPools
        self.ipAddressPoolSelectors = ipAddressPoolSelectors
        self.nodeSelectors = nodeSelectors
        self.serviceSelectors = serviceSelectors
        self.peers = peers
    }
}
