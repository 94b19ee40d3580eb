import KubeClient
import KubeModel
import Logging
import NetworkTypes

/// Stands in for a kubelet for Pods that name their address by annotation: gives them their status and runs their
/// readiness probes. Ends those when they are deleted and their grace period is over, and all others too that are on a
/// node without a kubelet, which nobody else would.
final class PodRegistrationController: Controller {
    let name = "pod-registration-controller"
    private static let byNode = "node"
    private let client: APIClient
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let recorder: EventRecorder
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    init(_ context: ControllerContext) {
        client = context.client
        pods = context.informers.informer(indexes: [Self.byNode: { [$0.spec?.nodeName ?? ""] }])
        nodes = context.informers.informer()
        recorder = context.recorder
        logger = context.logger
        wallClock = context.wallClock
    }

    func run() async throws {
        let queue = WorkQueue<NamespacedName>()
        let probeClient = try ProbeClient()
        let probes = ProbeSchedule(
            check: { await probeClient.check($0, timeout: $1) }, onChange: { queue.add($0) })
        defer { probes.stopAll() }
        var scope = HandlerScope()
        scope.add(
            pods.addHandler { change in
                var isRegistered =
                    change.object.metadata.annotations?[PodAddresses.annotation] != nil
                    || change.object.metadata.deletionTimestamp != nil || PodStatusPlanner.isForgotten(change.object)
                if case .updated(let old, _) = change, old.metadata.annotations?[PodAddresses.annotation] != nil {
                    isRegistered = true
                }
                if isRegistered { queue.add(change.key) }
            })
        scope.add(
            nodes.addHandler { [pods] change in
                if case .updated(let old, let new) = change, NodeVerdict.isDown(old) == NodeVerdict.isDown(new) {
                    return
                }
                for pod in pods.store.objects(index: Self.byNode, change.key.name)
                where pod.metadata.annotations?[PodAddresses.annotation] != nil {
                    queue.add(NamespacedName(pod.metadata))
                }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 4, logger: logger) { [self] key in
            try await reconcile(key, probes)
        }.run(after: [pods, nodes])
        _ = consume scope
    }

    func reconcile(_ key: NamespacedName, _ probes: ProbeSchedule) async throws -> ReconcileOutcome {
        var outcome = ReconcileOutcome.settled
        if let pod = pods.store[key], pod.metadata.deletionTimestamp != nil {
            switch PodTermination(pod, now: wallClock()) {
            case .nothing: break
            case .wait(let duration): outcome = .again(after: duration)
            case .finish:
                probes.set([:], for: key, known: [])
                return try await finishDeletion(pod)
            }
        }
        if let pod = pods.store[key], PodStatusPlanner.isForgotten(pod) {
            try await write(PodStatusPlanner.forgottenStatus(of: pod, now: wallClock().timestamp), of: pod)
        }
        try await register(key, probes)
        return outcome
    }

    private func register(_ key: NamespacedName, _ probes: ProbeSchedule) async throws {
        guard let pod = pods.store[key], let text = pod.metadata.annotations?[PodAddresses.annotation],
            pod.status?.phase != "Failed", pod.status?.phase != "Succeeded",
            pod.metadata.deletionTimestamp == nil || pod.metadata.deletionGracePeriodSeconds ?? 0 > 0
        else { return probes.set([:], for: key, known: []) }
        let addresses: [IPAddress]
        do {
            addresses = try PodAddresses.parse(text)
        } catch {
            probes.set([:], for: key, known: [])
            recorder.record(.warning, about: pod, reason: "InvalidAddress", message: "\(error)")
            return
        }
        startProbes(pod, key, addresses, probes)
        let lostNode = pod.spec?.nodeName.flatMap { nodes.store.get($0) }.flatMap { NodeVerdict.isDown($0) ? $0 : nil }
        let status = PodStatusPlanner.status(
            of: pod, addresses: addresses, lostNode: lostNode?.metadata.name, now: wallClock().timestamp
        ) { container in
            // A probe that is not run has found nothing yet.
            container.readinessProbe == nil || probes.isReady(container.name, of: key) ?? false
        }
        tellFailures(pod, key, probes)
        guard status != pod.status else { return }
        try await write(status, of: pod)
        tellUnfollowed(pod, before: pod.status, now: status)
    }

    /// What no data plane can tell: nobody looks after this Pod's unit.
    private func tellUnfollowed(_ pod: Pod, before: PodStatus?, now status: PodStatus) {
        let reason = RegisteredUnit.Complaint.withoutNode
        func said(_ status: PodStatus?) -> PodCondition? {
            (status?.conditions ?? []).first { $0.type == "Ready" && $0.reason == reason }
        }
        guard said(before) == nil, let new = said(status) else { return }
        recorder.record(.warning, about: pod, reason: reason, message: new.message ?? "")
    }

    private func startProbes(
        _ pod: Pod, _ key: NamespacedName, _ addresses: [IPAddress], _ probes: ProbeSchedule
    ) {
        var plans: [String: ProbeSchedule.Plan] = [:]
        let podIP = addresses.first?.description ?? ""
        let unit = RegisteredUnit(pod)
        // What does not run has nothing to be asked.
        guard unit?.isActive ?? true else { return probes.set([:], for: key, known: []) }
        for container in pod.spec?.longRunningContainers ?? [] {
            guard let probe = container.readinessProbe else { continue }
            guard let target = ProbeTarget(probe, container: container, podIP: podIP) else {
                if pod.status?.phase != "Running" {
                    recorder.record(
                        .warning, about: pod, reason: "UnsupportedProbe",
                        message: "The readiness probe of container \(container.name) cannot be carried out from here "
                            + "(\(ProbeTarget.obstacle(probe))), so the container does not become ready: give it an httpGet, "
                            + "tcpSocket or grpc probe with a port that it has, or none")
                }
                continue
            }
            plans[container.name] = ProbeSchedule.Plan(
                podUID: pod.metadata.uid ?? "", target: target, probe: probe, started: unit?.started)
        }
        // Only what was found at this address, and of this start, says anything.
        let isSameAddress = pod.status?.podIP == podIP && pod.status?.phase == "Running"
        let known = (pod.status?.everyContainerStatus ?? []).filter { status in
            isSameAddress && status.ready && (unit == nil || status.state?.running?.startedAt == unit?.started)
        }.map(\.name)
        probes.set(plans, for: key, known: Set(known))
    }

    private func tellFailures(_ pod: Pod, _ key: NamespacedName, _ probes: ProbeSchedule) {
        for container in pod.spec?.longRunningContainers ?? [] {
            guard let failure = probes.lastFailure(container.name, of: key) else { continue }
            recorder.record(
                .warning, about: pod, reason: "Unhealthy",
                message: "Readiness probe of container \(container.name) failed: \(failure)")
        }
    }

    private func write(_ status: PodStatus, of pod: Pod) async throws {
        var document = try ObjectEncoder.encode(status)
        // A merge patch keeps what it does not mention.
        if pod.status?.message != nil, status.message == nil { document["message"] = .some(.null) }
        if pod.status?.reason != nil, status.reason == nil { document["reason"] = .some(.null) }
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(pod.metadata.resourceVersion ?? "")], "status": document,
        ]
        do {
            let written = try await client.patch(
                Pod.self, pod.metadata.name ?? "", namespace: pod.metadata.namespace, .merge(patch),
                subresource: "status")
            pods.absorb(written)
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }

    /// Removes a Pod whose time is over, as a kubelet does. One that has a kubelet is that one's to remove.
    private func finishDeletion(_ pod: Pod) async throws -> ReconcileOutcome {
        let isOurs = pod.metadata.annotations?[PodAddresses.annotation] != nil
        if !isOurs, let node = pod.spec?.nodeName, try await hasKubelet(node) {
            return .again(after: Self.kubeletInterval)
        }
        do {
            try await client.delete(
                Pod.self, pod.metadata.name ?? "", namespace: pod.metadata.namespace,
                options: DeleteOptions(uid: pod.metadata.uid, gracePeriodSeconds: 0))
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
        return .settled
    }

    /// Time between looks at a node whose kubelet should have removed a Pod.
    private static let kubeletInterval = Duration.seconds(10)

    /// Kubelets renew a Lease in the name of their node.
    private func hasKubelet(_ node: String) async throws -> Bool {
        do {
            let lease = try await client.get(Lease.self, node, namespace: NodeLease.namespace)
            return NodeLease.isKubelets(lease, now: wallClock())
        } catch let status as Status where status.isNotFound {
            return false
        }
    }
}
