/// How many Pods of an application may be disrupted at a time (policy/v1).
public struct PodDisruptionBudget: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "policy", version: "v1", kind: "PodDisruptionBudget", plural: "poddisruptionbudgets",
        singular: "poddisruptionbudget", namespaced: true,
        shortNames: ["pdb"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The Pods and how many of them have to stay.
    public var spec: PodDisruptionBudgetSpec?
    /// What may be disrupted at the moment.
    public var status: PodDisruptionBudgetStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: PodDisruptionBudgetSpec? = nil,
        status: PodDisruptionBudgetStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The Pods of a budget and how many of them have to stay.
public struct PodDisruptionBudgetSpec: Codable, Hashable, Sendable {
    /// So many, or so much of a hundred, have to be healthy after a disruption.
    public var minAvailable: IntOrString?
    /// So many, or so much of a hundred, may be unhealthy after one.
    public var maxUnavailable: IntOrString?
    /// The Pods; absent selects none, empty all of the namespace.
    public var selector: LabelSelector?

    public init(
        minAvailable: IntOrString? = nil, maxUnavailable: IntOrString? = nil, selector: LabelSelector? = nil
    ) {
        self.minAvailable = minAvailable
        self.maxUnavailable = maxUnavailable
        self.selector = selector
    }
}

/// What may be disrupted at the moment.
public struct PodDisruptionBudgetStatus: Codable, Hashable, Sendable {
    /// The generation of the spec that this is about; evictions wait for it.
    public var observedGeneration: Int64?
    /// Pods whose eviction was granted and that still count as there, with the time of the grant.
    public var disruptedPods: [String: Timestamp]?
    /// Disruptions that are allowed now.
    public var disruptionsAllowed: Int?
    public var currentHealthy: Int?
    public var desiredHealthy: Int?
    public var expectedPods: Int?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        observedGeneration: Int64? = nil, disruptedPods: [String: Timestamp]? = nil, disruptionsAllowed: Int? = nil,
        currentHealthy: Int? = nil, desiredHealthy: Int? = nil, expectedPods: Int? = nil,
        conditions: [Condition]? = nil
    ) {
        self.observedGeneration = observedGeneration
        self.disruptedPods = disruptedPods
        self.disruptionsAllowed = disruptionsAllowed
        self.currentHealthy = currentHealthy
        self.desiredHealthy = desiredHealthy
        self.expectedPods = expectedPods
        self.conditions = conditions
    }
}
