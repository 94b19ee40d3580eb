/// A Lease (coordination.k8s.io/v1): who leads, and until when.
public struct Lease: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases", singular: "lease",
        namespaced: true,
        shortNames: [], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The holder and its times.
    public var spec: LeaseSpec?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: LeaseSpec? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
    }
}

/// The holder of a Lease and its times.
public struct LeaseSpec: Codable, Hashable, Sendable {
    /// Who holds it; absent or empty when nobody does.
    public var holderIdentity: String?
    /// How long others wait after the last renewal that they saw.
    public var leaseDurationSeconds: Int?
    /// When the holder got it.
    public var acquireTime: MicroTime?
    /// When the holder last renewed it.
    public var renewTime: MicroTime?
    /// How often it changed hands.
    public var leaseTransitions: Int?

    public init(
        holderIdentity: String? = nil, leaseDurationSeconds: Int? = nil, acquireTime: MicroTime? = nil,
        renewTime: MicroTime? = nil, leaseTransitions: Int? = nil
    ) {
        self.holderIdentity = holderIdentity
        self.leaseDurationSeconds = leaseDurationSeconds
        self.acquireTime = acquireTime
        self.renewTime = renewTime
        self.leaseTransitions = leaseTransitions
    }
}
