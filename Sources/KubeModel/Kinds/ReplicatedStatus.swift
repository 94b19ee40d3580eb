/// How many Pods a workload wants: the part of its spec that Martlet reads.
public struct ReplicatedSpec: Codable, Hashable, Sendable {
    /// Default 1.
    public var replicas: Int?

    public init(replicas: Int? = nil) { self.replicas = replicas }
}

/// What a controller made of a workload: the part of its status that Deployments and ReplicaSets share.
public struct ReplicatedStatus: Codable, Hashable, Sendable {
    /// The generation of the spec that a controller has seen.
    public var observedGeneration: Int64?
    /// Pods that exist.
    public var replicas: Int?
    /// Conditions, by type.
    public var conditions: [WorkloadCondition]?

    public init(
        observedGeneration: Int64? = nil, replicas: Int? = nil, conditions: [WorkloadCondition]? = nil
    ) {
        self.observedGeneration = observedGeneration
        self.replicas = replicas
        self.conditions = conditions
    }
}

/// A condition of a workload.
public struct WorkloadCondition: Codable, Hashable, Sendable {
    public var type: String
    /// `True`, `False` or `Unknown`.
    public var status: String
    public var lastUpdateTime: Timestamp?
    public var lastTransitionTime: Timestamp?
    public var reason: String?
    public var message: String?

    public init(
        type: String = "", status: String = "", lastUpdateTime: Timestamp? = nil, lastTransitionTime: Timestamp? = nil,
        reason: String? = nil, message: String? = nil
    ) {
        self.type = type
        self.status = status
        self.lastUpdateTime = lastUpdateTime
        self.lastTransitionTime = lastTransitionTime
        self.reason = reason
        self.message = message
    }
}
