import KubeModel
import Testing

@testable import Controllers

@Suite("A budget says how many of its Pods may be disrupted")
struct DisruptionPlannerTests {
    private let now = Timestamp(secondsSinceEpoch: 1000)

    private func pods(_ count: Int, unready: Int = 0, owner: String? = nil) -> [Pod] {
        (0..<count).map { number in
            Sample.pod("web-\(number)", "10.0.0.\(number + 1)", ready: number >= unready) { pod in
                pod.metadata.ownerReferences = owner.map {
                    [OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: $0, uid: $0, controller: true)]
                }
            }
        }
    }

    private func status(
        _ spec: PodDisruptionBudgetSpec, _ pods: [Pod], scales: [String: Int] = [:],
        disrupted: [String: Timestamp]? = nil
    ) -> (status: PodDisruptionBudgetStatus, again: Duration?) {
        DisruptionPlanner(
            budget: PodDisruptionBudget(
                metadata: ObjectMeta(name: "web", namespace: "shop", generation: 3), spec: spec,
                status: PodDisruptionBudgetStatus(disruptedPods: disrupted)),
            pods: pods, scales: scales, now: now
        ).plan()
    }

    @Test(
        arguments: [
            // minAvailable, maxUnavailable, Pods, of these unready; desired, allowed.
            (IntOrString.int(2), nil, 3, 0, 2, 1), (.int(2), nil, 3, 1, 2, 0), (.int(5), nil, 3, 0, 5, 0),
            (.string("50%"), nil, 3, 0, 2, 1), (.string("100%"), nil, 3, 0, 3, 0), (.string("0%"), nil, 3, 0, 0, 3),
            (nil, .int(1), 3, 0, 2, 1), (nil, .int(1), 3, 1, 2, 0), (nil, .string("30%"), 3, 0, 2, 1),
            (nil, .int(9), 3, 0, 0, 3), (nil, nil, 3, 0, 1, 2), (.int(0), nil, 0, 0, 0, 0),
        ] as [(IntOrString?, IntOrString?, Int, Int, Int, Int)])
    func `numbers and percentages count as Kubernetes counts them`(
        minimum: IntOrString?, maximum: IntOrString?, count: Int, unready: Int, desired: Int, allowed: Int
    ) {
        let status = status(
            PodDisruptionBudgetSpec(minAvailable: minimum, maxUnavailable: maximum), pods(count, unready: unready)
        ).status
        #expect(status.desiredHealthy == desired)
        #expect(status.disruptionsAllowed == allowed)
        #expect(status.currentHealthy == count - unready)
        #expect(status.expectedPods == count)
        #expect(status.observedGeneration == 3)
        #expect(status.conditions?.first?.reason == (allowed > 0 ? "SufficientPods" : "InsufficientPods"))
    }

    @Test func `what owners want counts, not what they have got so far`() {
        let spec = PodDisruptionBudgetSpec(maxUnavailable: .int(1))
        let status = status(spec, pods(3, owner: "set"), scales: ["set": 5]).status
        #expect(status.expectedPods == 5)
        #expect(status.desiredHealthy == 4)
        #expect(status.disruptionsAllowed == 0)
    }

    @Test func `a granted eviction counts as done until its Pod goes or its time is over`() {
        let spec = PodDisruptionBudgetSpec(minAvailable: .int(1))
        let granted = Timestamp(secondsSinceEpoch: 990)
        let (waiting, again) = status(spec, pods(3), disrupted: ["web-0": granted])
        #expect(waiting.currentHealthy == 2)
        #expect(waiting.disruptionsAllowed == 1)
        #expect(waiting.disruptedPods == ["web-0": granted])
        #expect(again == .seconds(110))
        let (over, never) = status(spec, pods(3), disrupted: ["web-0": Timestamp(secondsSinceEpoch: 880)])
        #expect(over.disruptedPods == nil)
        #expect(over.disruptionsAllowed == 2)
        #expect(never == nil)
        #expect(status(spec, pods(2), disrupted: ["web-7": granted]).status.disruptedPods == nil)
    }

    @Test func `a Pod that goes is not healthy any more`() {
        var all = pods(3)
        all[0].metadata.deletionTimestamp = now
        let status = status(PodDisruptionBudgetSpec(minAvailable: .int(1)), all).status
        #expect(status.currentHealthy == 2)
        #expect(status.disruptionsAllowed == 1)
    }

    @Test func `a condition keeps the time at which it became so`() {
        let pods = pods(2)
        var budget = PodDisruptionBudget(
            metadata: ObjectMeta(name: "web", namespace: "shop", generation: 1),
            spec: PodDisruptionBudgetSpec(minAvailable: .int(1)))
        budget.status = DisruptionPlanner(budget: budget, pods: pods, scales: [:], now: now).plan().status
        let later = Timestamp(secondsSinceEpoch: 2000)
        let again = DisruptionPlanner(budget: budget, pods: pods, scales: [:], now: later).plan().status
        #expect(again == budget.status)
    }
}
