import KubeModel
import Testing

@testable import Controllers

@Suite("Pods that stand for units of systemd") struct RegisteredUnitTests {
    private let start = Timestamp(secondsSinceEpoch: 1000)
    private let now = Timestamp(secondsSinceEpoch: 2000)

    private func pod(_ condition: PodCondition? = nil, node: String? = "edge") -> Pod {
        var pod = Sample.pod("web", "10.1.0.1")
        pod.metadata.annotations = [PodUnit.annotation: "web.service"]
        pod.spec?.nodeName = node
        pod.status = PodStatus(conditions: condition.map { [$0] })
        return pod
    }

    private func condition(_ status: String, since: Timestamp? = nil, unit: String = "web.service") -> PodCondition {
        var condition = PodCondition(type: PodUnit.condition, status: status)
        condition.lastTransitionTime = since ?? start
        condition.message = PodUnit.message(unit, "on node edge is so")
        return condition
    }

    private func ready(_ status: PodStatus) -> PodCondition? { status.conditions?.first { $0.type == "Ready" } }

    private func status(_ pod: Pod, passes: Bool = true) -> PodStatus {
        PodStatusPlanner.status(of: pod, addresses: [], now: now) { _ in passes }
    }

    @Test func `a Pod is ready only while its unit is active and its probe passes`() {
        #expect(ready(status(pod(condition("True"))))?.status == "True")
        #expect(ready(status(pod(condition("True")), passes: false))?.reason == "ContainersNotReady")
        for text in ["False", "Unknown"] {
            let unready = ready(status(pod(condition(text))))
            #expect(unready?.status == "False" && unready?.reason == "UnitNotActive")
            #expect(unready?.message == "unit web.service on node edge is so")
        }
    }

    @Test func `nobody has spoken, or of another unit`() {
        for silent in [
            pod(), pod(condition("True", unit: "old.service")), pod(condition("True", unit: "web.service2")),
        ] {
            let unready = ready(status(silent))
            #expect(unready?.status == "False" && unready?.message?.contains("has not said so") == true, "\(silent)")
        }
        #expect(RegisteredUnit(pod(condition("True"), node: nil))?.complaint?.reason == "UnitWithoutNode")
        #expect(RegisteredUnit(Sample.pod("web", "10.1.0.1")) == nil)
    }

    @Test func `a unit that was started again counts as a restart, and one that stands still as none`() throws {
        var pod = pod(condition("False"))
        pod.status = status(pod)
        var container = try #require(pod.status?.containerStatuses?.first)
        #expect(container.state?.waiting?.reason == "UnitNotActive" && container.started == false && !container.ready)

        func follow(_ condition: PodCondition) throws {
            pod.status?.conditions?.removeAll { $0.type == PodUnit.condition }
            pod.status?.conditions?.append(condition)
            pod.status = status(pod)
            container = try #require(pod.status?.containerStatuses?.first)
        }
        try follow(condition("True"))
        #expect(container.state?.running?.startedAt == start && container.restartCount == 0 && container.ready)
        try follow(condition("False", since: now))
        #expect(container.state?.running?.startedAt == start && container.restartCount == 0 && !container.ready)
        try follow(condition("True", since: now))
        #expect(container.state?.running?.startedAt == now && container.restartCount == 1 && container.ready)
        try follow(condition("True", since: now))
        #expect(container.restartCount == 1)
    }
}
