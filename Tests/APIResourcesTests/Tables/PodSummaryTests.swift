import KubeModel
import Testing

@testable import APIResources

@Suite("What a Pod's row says") struct PodSummaryTests {
    private static let running: JSONValue = ["running": ["startedAt": "2026-01-01T00:00:00Z"]]

    private static func pod(phase: String, _ containers: [JSONValue], _ more: JSONValue = [:]) -> JSONValue {
        var status = more
        status["phase"] = .string(phase)
        status["containerStatuses"] = .array(containers)
        return ["spec": ["containers": [["name": "a"], ["name": "b"]]], "status": status]
    }

    @Test func aRunningPodCountsItsReadyContainers() {
        let summary = PodSummary(
            Self.pod(
                phase: "Running", [["ready": true, "state": Self.running], ["ready": false, "state": Self.running]]))
        #expect(summary.status == "Running")
        #expect(summary.readyContainers == 1)
        #expect(summary.totalContainers == 2)
    }

    @Test(
        arguments: [
            (["waiting": ["reason": "CrashLoopBackOff"]], "CrashLoopBackOff"),
            (["terminated": ["reason": "Error", "exitCode": 1]], "Error"),
            (["terminated": ["exitCode": 3]], "ExitCode:3"), (["terminated": ["signal": 9]], "Signal:9"),
        ] as [(JSONValue, String)])
    func aFailingContainerGivesTheStatus(_ state: JSONValue, _ status: String) {
        #expect(PodSummary(Self.pod(phase: "Running", [["state": state]])).status == status)
    }

    @Test func aContainerThatStillRunsOutweighsOneThatCompleted() {
        let containers: [JSONValue] = [
            ["state": ["terminated": ["reason": "Completed"]]], ["ready": true, "state": Self.running],
        ]
        #expect(PodSummary(Self.pod(phase: "Running", containers)).status == "NotReady")
        let ready: JSONValue = ["conditions": [["type": "Ready", "status": "True"]]]
        #expect(PodSummary(Self.pod(phase: "Running", containers, ready)).status == "Running")
    }

    @Test(
        arguments: [
            ([["name": "i", "state": ["terminated": ["exitCode": 0]]], ["name": "j"]], "Init:1/2"),
            ([["name": "i", "state": ["terminated": ["exitCode": 2]]]], "Init:ExitCode:2"),
            ([["name": "i", "state": ["waiting": ["reason": "ErrImagePull"]]]], "Init:ErrImagePull"),
            ([["name": "i", "state": ["waiting": ["reason": "PodInitializing"]]]], "Init:0/2"),
        ] as [(JSONValue, String)])
    func initContainersComeFirst(_ statuses: JSONValue, _ status: String) {
        var pod = Self.pod(phase: "Pending", [])
        pod["spec"]["initContainers"] = [["name": "i"], ["name": "j"]]
        pod["status"]["initContainerStatuses"] = statuses
        #expect(PodSummary(pod).status == status)
    }

    @Test func aSidecarCountsAsAContainer() {
        var pod = Self.pod(phase: "Running", [["ready": true, "state": Self.running]])
        pod["spec"]["initContainers"] = [["name": "s", "restartPolicy": "Always"]]
        pod["status"]["initContainerStatuses"] = [
            ["name": "s", "started": true, "ready": true, "restartCount": 2, "state": Self.running]
        ]
        let summary = PodSummary(pod)
        #expect(summary.readyContainers == 2)
        #expect(summary.totalContainers == 3)
        #expect(summary.status == "Running")
    }

    @Test func restartsTellHowLongAgoTheLatestWas() throws {
        let now = try #require(Timestamp("2026-01-01T01:00:00Z"))
        func text(_ containers: [JSONValue]) -> String {
            PodSummary(Self.pod(phase: "Running", containers)).restartText(now: now)
        }
        let ended: JSONValue = ["terminated": ["finishedAt": "2026-01-01T00:55:00Z"]]
        #expect(text([["restartCount": 0]]) == "0")
        #expect(text([["restartCount": 2]]) == "2")
        #expect(text([["restartCount": 2, "lastState": ended], ["restartCount": 1]]) == "3 (5m ago)")
    }

    @Test(arguments: [
        ("Running", "", "Terminating"), ("Succeeded", "", "Succeeded"), ("Running", "NodeLost", "Unknown"),
    ])
    func deletionWins(_ phase: String, _ reason: String, _ status: String) {
        var pod = Self.pod(phase: phase, [])
        pod["metadata"] = ["deletionTimestamp": "2026-01-01T00:00:00Z"]
        pod["status"]["reason"] = .string(reason)
        #expect(PodSummary(pod).status == status)
    }

    @Test func aReasonOfThePodReplacesThePhase() {
        #expect(PodSummary(Self.pod(phase: "Failed", [], ["reason": "Evicted"])).status == "Evicted")
        let gate: JSONValue = ["conditions": [["type": "PodScheduled", "reason": "SchedulingGated"]]]
        #expect(PodSummary(Self.pod(phase: "Pending", [], gate)).status == "SchedulingGated")
    }
}
