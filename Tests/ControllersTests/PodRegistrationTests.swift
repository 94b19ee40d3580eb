import KubeModel
import NetworkTypes
import Testing

@testable import Controllers

@Suite("Registered Pods get the status that a kubelet would give") struct PodRegistrationTests {
    private let now = Timestamp(secondsSinceEpoch: 1000)

    @Test(
        arguments: [
            ("10.0.0.1", ["10.0.0.1"]), (" 10.0.0.1 , fd00::1 ", ["10.0.0.1", "fd00::1"]), ("fd00::1", ["fd00::1"]),
        ])
    func addressesAreReadFromTheAnnotation(text: String, expected: [String]) throws {
        #expect(try PodAddresses.parse(text).map(\.description) == expected)
    }

    @Test(
        arguments: [
            ("", PodAddresses.Problem.empty), ("host.example", .notAnAddress("host.example")),
            ("10.0.0.1,10.0.0.2", .twoOfOneFamily("10.0.0.2")), ("10.0.0.1:80", .notAnAddress("10.0.0.1:80")),
        ])
    func otherTextIsAProblem(text: String, expected: PodAddresses.Problem) {
        #expect(throws: expected) { try PodAddresses.parse(text) }
    }

    private func newPod(change: (inout Pod) -> Void = { _ in }) -> Pod {
        Sample.pod("a") { pod in
            pod.status = PodStatus(phase: "Pending")
            change(&pod)
        }
    }

    private func status(_ pod: Pod, at time: Timestamp? = nil, ready: Bool = true) -> PodStatus {
        PodStatusPlanner.status(of: pod, addresses: [.loopbackV4, .loopbackV6], now: time ?? now) { _ in ready }
    }

    private func condition(_ status: PodStatus, _ type: String) -> PodCondition? {
        status.conditions?.first { $0.type == type }
    }

    @Test(
        arguments: [
            // Asked for with 30 seconds at 1000, so that it ends at 1030.
            ("Running", "10.0.0.1", 30, 1000, PodTermination.wait(.seconds(30))),
            ("Running", "10.0.0.1", 30, 1029, .wait(.seconds(1))), ("Running", "10.0.0.1", 30, 1030, .finish),
            ("Running", "10.0.0.1", 30, 9999, .finish), ("Succeeded", "10.0.0.1", 30, 1000, .finish),
            ("Failed", "10.0.0.1", 30, 1000, .finish),
            // Nothing has begun that would have to end.
            ("Pending", "", 30, 1000, .finish),
            // The server removes it with its last finalizer.
            ("Running", "10.0.0.1", 0, 2000, .nothing),
        ] as [(String, String, Int64, Int64, PodTermination)])
    func aDeletedPodHasItsTime(
        phase: String, address: String, grace: Int64, now: Int64, expected: PodTermination
    ) {
        var pod = newPod()
        pod.status = PodStatus(phase: phase, podIP: address.isEmpty ? nil : address)
        pod.metadata.deletionTimestamp = Timestamp(secondsSinceEpoch: 1030)
        pod.metadata.deletionGracePeriodSeconds = grace
        let moment = MicroTime(microsecondsSinceEpoch: now * 1_000_000)
        #expect(PodTermination(pod, now: moment) == expected)
        pod.metadata.deletionTimestamp = nil
        #expect(PodTermination(pod, now: moment) == .nothing)
    }

    @Test func `a node is kept while its Lease is renewed`() {
        let renewed = MicroTime(microsecondsSinceEpoch: 1_000_000_000)
        var lease = Lease(spec: LeaseSpec(renewTime: renewed))
        #expect(NodeLease.isKubelets(lease, now: MicroTime(microsecondsSinceEpoch: 1_039_000_000)))
        #expect(!NodeLease.isKubelets(lease, now: MicroTime(microsecondsSinceEpoch: 1_040_000_000)))
        lease.spec?.renewTime = nil
        #expect(!NodeLease.isKubelets(lease, now: renewed))
    }

    @Test func `a Pod without probe is ready at once`() {
        let status = status(newPod())
        #expect(status.phase == "Running")
        #expect(status.podIP == "127.0.0.1")
        #expect(status.podIPs?.map(\.ip) == ["127.0.0.1", "::1"])
        #expect(status.startTime == now)
        for type in ["PodScheduled", "Initialized", "ContainersReady", "Ready"] {
            #expect(condition(status, type)?.status == "True")
            #expect(condition(status, type)?.lastTransitionTime == now)
        }
        #expect(status.containerStatuses?.map(\.ready) == [true])
        #expect(status.containerStatuses?.first?.state?.running?.startedAt == now)
    }

    @Test func `a sidecar counts, other init containers don't`() throws {
        let pod = newPod {
            $0.spec?.initContainers = [
                Container(name: "proxy", image: "p", restartPolicy: "Always"), Container(name: "once", image: "o"),
            ]
        }
        let ready = status(pod)
        #expect(ready.initContainerStatuses?.map(\.name) == ["proxy"])
        #expect(ready.initContainerStatuses?.first?.ready == true)
        #expect(ready.initContainerStatuses?.first?.started == true)
        #expect(condition(ready, "Ready")?.status == "True")
        let unready = PodStatusPlanner.status(of: pod, addresses: [.loopbackV4], now: now) { $0.name != "proxy" }
        #expect(unready.initContainerStatuses?.first?.ready == false)
        #expect(condition(unready, "Ready")?.status == "False")
    }

    @Test func `nothing changes when nothing changed`() {
        var pod = newPod()
        pod.status = status(pod)
        #expect(status(pod, at: Timestamp(secondsSinceEpoch: 2000)) == pod.status)
    }

    @Test func `a failing probe makes it unready`() {
        var pod = newPod()
        pod.status = status(pod)
        let later = Timestamp(secondsSinceEpoch: 2000)
        let status = status(pod, at: later, ready: false)
        #expect(condition(status, "Ready")?.status == "False")
        #expect(condition(status, "Ready")?.reason == "ContainersNotReady")
        #expect(condition(status, "Ready")?.message == "containers with unready status: [main]")
        #expect(condition(status, "Ready")?.lastTransitionTime == later)
        #expect(condition(status, "Initialized")?.lastTransitionTime == now)
        #expect(status.containerStatuses?.map(\.ready) == [false])
    }

    @Test func `readiness gates hold it back and conditions of others stay`() {
        var pod = newPod { $0.spec?.readinessGates = [PodReadinessGate(conditionType: "example.com/ok")] }
        let closed = status(pod)
        #expect(condition(closed, "ContainersReady")?.status == "True")
        #expect(condition(closed, "Ready")?.reason == "ReadinessGatesNotReady")
        pod.status?.conditions = [PodCondition(type: "example.com/ok", status: "True")]
        let open = status(pod)
        #expect(condition(open, "Ready")?.status == "True")
        #expect(condition(open, "example.com/ok") != nil)
    }

    @Test func `thresholds count results in a row`() {
        var state = ProbeState(Probe(successThreshold: 2, failureThreshold: 3))
        let script: [(Bool, Bool)] = [
            (true, false), (false, false), (true, false), (true, true), (false, true), (false, true), (true, true),
            (false, true), (false, true), (false, false), (true, false), (true, true),
        ]
        for (index, step) in script.enumerated() {
            let before = state.isReady
            let didChange = state.note(success: step.0)
            #expect(state.isReady == step.1, "step \(index)")
            #expect(didChange == (before != step.1), "step \(index)")
        }
        #expect(ProbeState(Probe(), isReady: true).isReady)
    }

    @Test func `probes are read with named ports and headers`() {
        let container = Container(name: "main", ports: [ContainerPort(name: "web", containerPort: 8080)])
        let headers = [HTTPHeader(name: "X", value: "y")]
        let http = Probe(httpGet: HTTPGetAction(path: "ok", port: "web", scheme: "HTTPS", httpHeaders: headers))
        #expect(
            ProbeTarget(http, container: container, podIP: "10.0.0.1")
                == ProbeTarget(
                    host: "10.0.0.1", port: 8080, check: .http(isSecure: true, path: "/ok", headers: headers)))
        let tcp = Probe(tcpSocket: TCPSocketAction(port: 5432, host: "10.0.0.9"))
        #expect(
            ProbeTarget(tcp, container: container, podIP: "10.0.0.1")
                == ProbeTarget(host: "10.0.0.9", port: 5432, check: .tcp))
        let unknown = Probe(tcpSocket: TCPSocketAction(port: "nope"))
        #expect(ProbeTarget(unknown, container: container, podIP: "10.0.0.1") == nil)
        #expect(ProbeTarget(Probe(exec: ExecAction()), container: container, podIP: "10.0.0.1") == nil)
    }
}
