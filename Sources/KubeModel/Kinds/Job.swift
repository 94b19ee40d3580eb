/// A Job (batch/v1), as far as Martlet looks at it: nothing here starts its Pods.
public struct Job: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "batch", version: "v1", kind: "Job", plural: "jobs", singular: "job", namespaced: true,
        shortNames: [], categories: ["all"], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// How many Pods it wants.
    public var spec: JobSpec?
    /// What a controller made of it.
    public var status: JobStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), spec: JobSpec? = nil, status: JobStatus? = nil) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What is wanted of a Job.
public struct JobSpec: Codable, Hashable, Sendable {
    /// Whether it is to start nothing for now.
    public var suspend: Bool?

    public init(suspend: Bool? = nil) { self.suspend = suspend }
}

/// What a controller made of a Job.
public struct JobStatus: Codable, Hashable, Sendable {
    /// When a controller took it on.
    public var startTime: Timestamp?
    /// Conditions, by type.
    public var conditions: [WorkloadCondition]?

    public init(startTime: Timestamp? = nil, conditions: [WorkloadCondition]? = nil) {
        self.startTime = startTime
        self.conditions = conditions
    }
}
