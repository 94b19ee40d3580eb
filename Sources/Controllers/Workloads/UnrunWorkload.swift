import KubeModel

/// What workloads say as long as nothing runs them. Pure.
enum UnrunWorkload {
    static let message =
        "Martlet starts no Pods: register what runs as Pods with the annotation traffic.martlet.dev/address, or let a "
        + "controller manager run against this API"

    /// A Deployment's wanted status; nil when the one it has is somebody else's, or right.
    ///
    /// `kubectl rollout status` gives up at this reason, instead of waiting for ever.
    static func status(of deployment: Deployment, now: Timestamp) -> ReplicatedStatus? {
        status(
            deployment.status, generation: deployment.metadata.generation,
            wantsNothing(deployment.spec)
                ? [
                    ("Progressing", "True", "NewReplicaSetAvailable"),
                    ("Available", "True", "MinimumReplicasAvailable"),
                ]
                : [
                    ("Progressing", "False", "ProgressDeadlineExceeded"),
                    ("Available", "False", "MinimumReplicasUnavailable"),
                ], now)
    }

    /// A ReplicaSet's.
    static func status(of set: ReplicaSet, now: Timestamp) -> ReplicatedStatus? {
        status(
            set.status, generation: set.metadata.generation,
            wantsNothing(set.spec)
                ? [("ReplicaFailure", "False", "NothingWanted")] : [("ReplicaFailure", "True", "FailedCreate")],
            now)
    }

    /// A StatefulSet's. `kubectl rollout status` gets past the generation and waits for Pods; the condition says for what.
    static func status(of set: StatefulSet, now: Timestamp) -> ReplicatedStatus? {
        status(
            set.status, generation: set.metadata.generation,
            wantsNothing(set.spec)
                ? [("ReplicaFailure", "False", "NothingWanted")] : [("ReplicaFailure", "True", "FailedCreate")],
            now)
    }

    /// A DaemonSet's: nodes that run Pods are none.
    static func status(of set: DaemonSet, now: Timestamp) -> ReplicatedStatus? {
        var status = status(
            set.status, generation: set.metadata.generation, [("ReplicaFailure", "True", "FailedCreate")], now)
        status?.replicas = nil
        return status
    }

    /// A Job's. It has not failed: a controller manager that comes later runs it.
    static func status(of job: Job, now: Timestamp) -> JobStatus? {
        // What has a start or a condition is somebody else's, or told already.
        guard job.spec?.suspend != true, job.status?.startTime == nil, job.status?.conditions?.isEmpty ?? true else {
            return nil
        }
        return JobStatus(conditions: [
            WorkloadCondition(
                type: "ReplicaFailure", status: "True", lastTransitionTime: now, reason: "FailedCreate",
                message: message)
        ])
    }

    private static func wantsNothing(_ spec: ReplicatedSpec?) -> Bool { spec?.replicas == 0 }

    private static func status(
        _ present: ReplicatedStatus?, generation: Int64?,
        _ wanted: [(type: String, status: String, reason: String)], _ now: Timestamp
    ) -> ReplicatedStatus? {
        let present = present ?? ReplicatedStatus()
        let isOurs = present.conditions?.contains { $0.message == message } ?? false
        // A status that a controller wrote is that one's: it runs the workload, or has run it.
        guard isOurs || (present.observedGeneration ?? 0) == 0 else { return nil }
        guard !isOurs || present.observedGeneration != generation else { return nil }
        var status = present
        status.observedGeneration = generation
        status.replicas = 0
        status.conditions = wanted.map { condition in
            let old = present.conditions?.first { $0.type == condition.type && $0.status == condition.status }
            return WorkloadCondition(
                type: condition.type, status: condition.status, lastUpdateTime: now,
                lastTransitionTime: old?.lastTransitionTime ?? now, reason: condition.reason, message: message)
        }
        return status
    }
}
