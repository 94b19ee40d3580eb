/// Addresses for Services of type `LoadBalancer` (traffic.martlet.dev/v1).
public struct AddressPool: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "traffic.martlet.dev", version: "v1", kind: "AddressPool", plural: "addresspools",
        singular: "addresspool", namespaced: false,
        shortNames: ["pool"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The addresses and who may have them.
    public var spec: AddressPoolSpec?
    /// How many are in use.
    public var status: AddressPoolStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: AddressPoolSpec? = nil, status: AddressPoolStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The addresses of a pool and who may have them.
public struct AddressPoolSpec: Codable, Hashable, Sendable {
    /// CIDRs, `first-last` ranges or single addresses.
    public var addresses: [String]?
    /// Whether Services that ask for no pool and no address may get one of these; absent means true.
    public var autoAssign: Bool?
    /// The namespaces whose Services may; absent or empty means all.
    public var serviceNamespaces: [String]?
    /// CIDRs, ranges or single addresses that only Services get which ask for them.
    public var reservedAddresses: [String]?
    /// Which Services the pool is for, besides what `serviceNamespaces` says; absent means all.
    public var serviceAllocation: PoolServiceAllocation?

    public init(
        addresses: [String]? = nil, autoAssign: Bool? = nil, serviceNamespaces: [String]? = nil,
        reservedAddresses: [String]? = nil, serviceAllocation: PoolServiceAllocation? = nil
    ) {
        self.addresses = addresses
        self.autoAssign = autoAssign
        self.serviceNamespaces = serviceNamespaces
        self.reservedAddresses = reservedAddresses
        self.serviceAllocation = serviceAllocation
    }
}

/// How many addresses of a pool are in use.
public struct AddressPoolStatus: Codable, Hashable, Sendable {
    /// Addresses in the pool.
    public var total: Int?
    /// Of these, given to Services.
    public var allocated: Int?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        total: Int? = nil, allocated: Int? = nil, conditions: [Condition]? = nil
    ) {
        self.total = total
        self.allocated = allocated
        self.conditions = conditions
    }
}
