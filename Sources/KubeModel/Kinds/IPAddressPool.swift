/// Addresses for Services of type `LoadBalancer` (metallb.io/v1beta1, as MetalLB defines it).
public struct IPAddressPool: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "IPAddressPool", plural: "ipaddresspools",
        singular: "ipaddresspool", namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The addresses and who may have them.
    public var spec: IPAddressPoolSpec?
    /// How much of the pool is in use.
    public var status: IPAddressPoolStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: IPAddressPoolSpec? = nil, status: IPAddressPoolStatus? = nil)
    {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The addresses and who may have them.
public struct IPAddressPoolSpec: Codable, Hashable, Sendable {
    /// CIDRs or `first-last` ranges.
    public var addresses: [String]?
    /// Whether Services that ask for no pool and no address may get one of these; absent means true.
    public var autoAssign: Bool?
    /// Whether IPv4 addresses that end in .0 or .255 are left out; absent means false.
    public var avoidBuggyIPs: Bool?
    /// Which Services the pool is for; absent means all.
    public var serviceAllocation: PoolServiceAllocation?

    public init(
        addresses: [String]? = nil, autoAssign: Bool? = nil, avoidBuggyIPs: Bool? = nil,
        serviceAllocation: PoolServiceAllocation? = nil
    ) {
        self.addresses = addresses
        self.autoAssign = autoAssign
        self.avoidBuggyIPs = avoidBuggyIPs
        self.serviceAllocation = serviceAllocation
    }
}

/// How much of the pool is in use.
public struct IPAddressPoolStatus: Codable, Hashable, Sendable {
    /// IPv4 addresses that Services have.
    public var assignedIPv4: Int64?
    /// IPv6 addresses that Services have.
    public var assignedIPv6: Int64?
    /// IPv4 addresses that are left.
    public var availableIPv4: Int64?
    /// IPv6 addresses that are left; `Int64.max` for more than can be counted.
    public var availableIPv6: Int64?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        assignedIPv4: Int64? = nil, assignedIPv6: Int64? = nil, availableIPv4: Int64? = nil,
        availableIPv6: Int64? = nil, conditions: [Condition]? = nil
    ) {
        self.assignedIPv4 = assignedIPv4
        self.assignedIPv6 = assignedIPv6
        self.availableIPv4 = availableIPv4
        self.availableIPv6 = availableIPv6
        self.conditions = conditions
    }
}

/// Which Services a pool is for.
public struct PoolServiceAllocation: Codable, Hashable, Sendable {
    /// The pool with the lowest number is tried first; 0 and absent come last.
    public var priority: Int?
    /// Namespaces whose Services the pool is for.
    public var namespaces: [String]?
    /// Namespaces by their labels, besides those of the list.
    public var namespaceSelectors: [LabelSelector]?
    /// Services by their labels; any one of them is enough.
    public var serviceSelectors: [LabelSelector]?

    public init(
        priority: Int? = nil, namespaces: [String]? = nil, namespaceSelectors: [LabelSelector]? = nil,
        serviceSelectors: [LabelSelector]? = nil
    ) {
        self.priority = priority
        self.namespaces = namespaces
        self.namespaceSelectors = namespaceSelectors
        self.serviceSelectors = serviceSelectors
    }
}
