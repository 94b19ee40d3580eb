import KubeModel
import Testing

@testable import Controllers

@Suite("Nodes that fall silent") struct NodeLifecycleTests {
    private var planner = NodeLifecyclePlanner(grace: .seconds(40), period: .seconds(5))
    private let now = Timestamp(secondsSinceEpoch: 1_000)

    private func moment(_ number: Int64) -> MicroTime { MicroTime(microsecondsSinceEpoch: number) }

    private func node(_ status: String?, reason: String = "DataPlaneReady", taints: [Taint]? = nil) -> Node {
        Node(
            metadata: ObjectMeta(name: "a"), spec: NodeSpec(taints: taints),
            status: NodeStatus(
                conditions: status.map { [Condition(type: "Ready", status: $0, reason: reason, message: "")] }))
    }

    @Test
    mutating func `a node is lost when its Lease has not changed for the grace period, and back with the next change`()
    {
        planner.observe("a", renewed: moment(1), now: .seconds(0))
        planner.observe("a", renewed: moment(1), now: .seconds(30))
        #expect(planner.isLost("a", now: .seconds(39)) == false)
        #expect(planner.isLost("a", now: .seconds(40)) == true)
        planner.observe("a", renewed: moment(2), now: .seconds(41))
        #expect(planner.isLost("a", now: .seconds(42)) == false)
    }

    @Test mutating func `a node without a Lease is not judged`() {
        #expect(planner.isLost("a", now: .seconds(1000)) == nil)
        planner.observe("a", renewed: nil, now: .zero)
        planner.forget("a")
        #expect(planner.isLost("a", now: .seconds(1000)) == nil)
    }

    @Test mutating func `a node that ended before its first Lease is lost, too`() {
        planner.expect("a", now: .zero)
        planner.expect("a", now: .seconds(30))
        #expect(planner.isLost("a", now: .seconds(39)) == false)
        #expect(planner.isLost("a", now: .seconds(40)) == true)
        planner.observe("a", renewed: moment(1), now: .seconds(41))
        #expect(planner.isLost("a", now: .seconds(80)) == false)
        planner.expect("a", now: .seconds(80))
        #expect(planner.isLost("a", now: .seconds(81)) == true)
    }

    @Test mutating func `time without the API server is nobody's silence`() {
        planner.observe("a", renewed: moment(1), now: .zero)
        planner.look(now: .zero, isDeaf: false)
        for second in stride(from: 5, through: 100, by: 5) { planner.look(now: .seconds(second), isDeaf: true) }
        #expect(planner.isLost("a", now: .seconds(100)) == false)
        #expect(planner.isLost("a", now: .seconds(139)) == false)
        #expect(planner.isLost("a", now: .seconds(140)) == true)
    }

    @Test mutating func `time that this process slept is nobody's silence`() {
        planner.observe("a", renewed: moment(1), now: .zero)
        planner.look(now: .zero, isDeaf: false)
        planner.look(now: .seconds(3600), isDeaf: false)
        #expect(planner.isLost("a", now: .seconds(3600)) == false)
    }

    @Test func `a lost node becomes Unknown and unreachable`() {
        let verdict = NodeVerdict(node("True"), isLost: true, now: now)
        #expect(verdict.ready?.status == "Unknown")
        #expect(verdict.ready?.reason == "NodeStatusUnknown")
        #expect(verdict.taints?.map(\.key) == [NodeVerdict.unreachableTaint, NodeVerdict.unreachableTaint])
        #expect(verdict.taints?.map(\.effect) == ["NoSchedule", "NoExecute"])
    }

    @Test func `what is written already is not written again`() {
        let taints = ["NoSchedule", "NoExecute"].map { Taint(key: NodeVerdict.unreachableTaint, effect: $0) }
        let verdict = NodeVerdict(node("Unknown", taints: taints), isLost: true, now: now)
        #expect(verdict.ready == nil && verdict.taints == nil)
    }

    @Test func `a node that is back loses our taints and keeps others`() {
        let own = Taint(key: "traffic.martlet.dev/dataplane-only", effect: "NoSchedule")
        let taints = [own] + ["NoSchedule", "NoExecute"].map { Taint(key: NodeVerdict.unreachableTaint, effect: $0) }
        let verdict = NodeVerdict(node("True", taints: taints), isLost: false, now: now)
        #expect(verdict.ready == nil)
        #expect(verdict.taints == [own])
    }

    @Test func `a node that says it is not ready gets the other taint`() {
        let taints = ["NoSchedule", "NoExecute"].map { Taint(key: NodeVerdict.unreachableTaint, effect: $0) }
        let verdict = NodeVerdict(node("False", taints: taints), isLost: false, now: now)
        #expect(verdict.taints?.map(\.key) == [NodeVerdict.notReadyTaint, NodeVerdict.notReadyTaint])
    }

    @Test func `a node that is not judged is left alone`() {
        let verdict = NodeVerdict(node("Unknown"), isLost: nil, now: now)
        #expect(verdict.ready == nil && verdict.taints == nil)
    }

    @Test func `a data plane that was asked to end takes no endpoints with it`() {
        #expect(!NodeVerdict.isDown(node("True")))
        #expect(!NodeVerdict.isDown(node(nil)))
        #expect(!NodeVerdict.isDown(node("False", reason: NodeVerdict.stoppedReason)))
        #expect(NodeVerdict.isDown(node("False", reason: "KubeletNotReady")))
        #expect(NodeVerdict.isDown(node("Unknown")))
    }

    @Test func `a Pod on a lost node is not ready whatever its probe says`() {
        let pod = Sample.pod("web", "10.1.0.1")
        let lost = PodStatusPlanner.status(of: pod, addresses: [], lostNode: "a", now: now) { _ in true }
        #expect(lost.conditions?.first { $0.type == "Ready" }?.status == "False")
        #expect(lost.conditions?.first { $0.type == "Ready" }?.reason == "NodeNotReady")
        let back = PodStatusPlanner.status(of: pod, addresses: [], now: now) { _ in true }
        #expect(back.conditions?.first { $0.type == "Ready" }?.status == "True")
    }
}
