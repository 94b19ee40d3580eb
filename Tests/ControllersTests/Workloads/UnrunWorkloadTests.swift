import KubeModel
import Testing

@testable import Controllers

@Suite("Workloads that nothing runs say so")
struct UnrunWorkloadTests {
    private let now = Timestamp(secondsSinceEpoch: 1000)

    private func deployment(_ generation: Int64 = 1, replicas: Int? = 2, _ status: ReplicatedStatus? = nil)
        -> Deployment
    {
        Deployment(
            metadata: ObjectMeta(name: "web", namespace: "shop", generation: generation),
            spec: ReplicatedSpec(replicas: replicas), status: status)
    }

    @Test func `a Deployment is seen and does not progress, with the reason at which kubectl gives up`() throws {
        let status = try #require(UnrunWorkload.status(of: deployment(), now: now))
        #expect(status.observedGeneration == 1)
        #expect(status.conditions?.map(\.reason) == ["ProgressDeadlineExceeded", "MinimumReplicasUnavailable"])
        #expect(status.conditions?.allSatisfy { $0.message == UnrunWorkload.message } == true)
    }

    @Test func `it is said once for each generation, and the times of what stays so are kept`() throws {
        let first = try #require(UnrunWorkload.status(of: deployment(), now: now))
        #expect(UnrunWorkload.status(of: deployment(1, replicas: 2, first), now: now) == nil)
        let later = Timestamp(secondsSinceEpoch: 2000)
        let second = try #require(UnrunWorkload.status(of: deployment(2, replicas: 2, first), now: later))
        #expect(second.observedGeneration == 2)
        #expect(second.conditions?.first?.lastTransitionTime == now)
        #expect(second.conditions?.first?.lastUpdateTime == later)
    }

    @Test func `a workload that wants no Pods lacks nothing, and may want some again`() throws {
        let none = try #require(UnrunWorkload.status(of: deployment(1, replicas: 0), now: now))
        #expect(none.conditions?.map(\.status) == ["True", "True"])
        let some = try #require(UnrunWorkload.status(of: deployment(2, replicas: 2, none), now: now))
        #expect(some.conditions?.map(\.status) == ["False", "False"])
    }

    @Test func `a status that a controller wrote is left alone`() {
        let theirs = ReplicatedStatus(
            observedGeneration: 1, replicas: 2,
            conditions: [WorkloadCondition(type: "Progressing", status: "True", reason: "NewReplicaSetAvailable")])
        #expect(UnrunWorkload.status(of: deployment(2, replicas: 2, theirs), now: now) == nil)
    }

    @Test func `a StatefulSet and a DaemonSet are seen, and lack their Pods`() throws {
        let metadata = ObjectMeta(name: "db", namespace: "shop", generation: 3)
        let stateful = try #require(
            UnrunWorkload.status(of: StatefulSet(metadata: metadata, spec: ReplicatedSpec(replicas: 2)), now: now))
        #expect(stateful.observedGeneration == 3 && stateful.replicas == 0)
        #expect(stateful.conditions?.map(\.reason) == ["FailedCreate"])
        let daemon = try #require(UnrunWorkload.status(of: DaemonSet(metadata: metadata), now: now))
        #expect(daemon.observedGeneration == 3 && daemon.replicas == nil)
        #expect(daemon.conditions?.map(\.message) == [UnrunWorkload.message])
        #expect(UnrunWorkload.status(of: DaemonSet(metadata: metadata, status: daemon), now: now) == nil)
    }

    @Test func `a Job says so once, unless it waits on purpose or somebody runs it`() throws {
        let metadata = ObjectMeta(name: "pi", namespace: "shop")
        let status = try #require(UnrunWorkload.status(of: Job(metadata: metadata), now: now))
        #expect(status.conditions?.map(\.type) == ["ReplicaFailure"])
        #expect(UnrunWorkload.status(of: Job(metadata: metadata, status: status), now: now) == nil)
        #expect(UnrunWorkload.status(of: Job(metadata: metadata, spec: JobSpec(suspend: true)), now: now) == nil)
        #expect(UnrunWorkload.status(of: Job(metadata: metadata, status: JobStatus(startTime: now)), now: now) == nil)
    }

    @Test func `a ReplicaSet has failed to create its Pods`() throws {
        let set = ReplicaSet(metadata: ObjectMeta(name: "web", namespace: "shop", generation: 1))
        let status = try #require(UnrunWorkload.status(of: set, now: now))
        #expect(status.conditions?.map(\.type) == ["ReplicaFailure"])
    }
}
