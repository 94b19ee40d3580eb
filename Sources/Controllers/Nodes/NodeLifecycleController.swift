import KubeClient
import KubeModel
import Logging
import Synchronization

/// Marks nodes that have fallen silent, and takes the mark away when they are heard again. Pods that a kubelet looks
/// after get no traffic meanwhile; those that name their address are the Pod registration's to mark, by the Node.
final class NodeLifecycleController: Controller {
    let name = "node-lifecycle-controller"
    private static let byNode = "node"

    private let client: APIClient
    private let nodes: Informer<Node>
    private let leases: Informer<Lease>
    private let pods: Informer<Pod>
    private let recorder: EventRecorder
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime
    private let clock: MonotonicClock
    private let configuration: NodeLifecycleConfiguration
    // The mutex protects the planner.
    private let planner: Mutex<NodeLifecyclePlanner>

    init(
        _ context: ControllerContext, _ configuration: NodeLifecycleConfiguration,
        clock: MonotonicClock = MonotonicClock()
    ) {
        client = context.client
        nodes = context.informers.informer()
        pods = context.informers.informer(indexes: [Self.byNode: { [$0.spec?.nodeName ?? ""] }])
        // Leases of elections change every other second, and are none of its business.
        leases = Informer(
            client: context.client, namespace: NodeLease.namespace, logger: context.logger, clock: clock)
        recorder = context.recorder
        logger = context.logger
        wallClock = context.wallClock
        self.clock = clock
        self.configuration = configuration
        planner = Mutex(NodeLifecyclePlanner(grace: configuration.grace, period: configuration.period))
    }

    func run() async throws {
        let queue = WorkQueue<String>()
        planner.withLock {
            $0 = NodeLifecyclePlanner(grace: configuration.grace, period: configuration.period)
        }
        var scope = HandlerScope()
        scope.add(
            nodes.addHandler { [self] change in
                if case .deleted = change {
                    planner.withLock { $0.forget(change.key.name) }
                } else if change.object.metadata.annotations?[NodeLease.dataPlaneAnnotation] != nil {
                    planner.withLock { $0.expect(change.key.name, now: clock.now) }
                }
                queue.add(change.key.name)
            })
        scope.add(
            leases.addHandler { [self] change in
                // A Lease that was removed is renewed no more: its node falls silent.
                if case .deleted = change { return }
                planner.withLock {
                    $0.observe(change.key.name, renewed: change.object.spec?.renewTime, now: clock.now)
                }
                queue.add(change.key.name)
            })
        scope.add(
            pods.addHandler { [self] change in
                guard let node = change.object.spec?.nodeName, let object = nodes.store.get(node),
                    NodeVerdict.isDown(object), Self.isReady(change.object)
                else { return }
                queue.add(node)
            })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [leases] in try await leases.run() }
            group.addTask { [self] in
                while true {
                    try await clock.sleep(for: configuration.period)
                    let isDeaf = leases.staleFor != nil
                    let names = planner.withLock { planner in
                        planner.look(now: clock.now, isDeaf: isDeaf)
                        return planner.names
                    }
                    for name in names { queue.add(name) }
                }
            }
            group.addTask { [self] in
                try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] name in
                    try await reconcile(name)
                    return .settled
                }.run(after: [nodes, leases, pods])
            }
            try await group.waitForAll()
        }
        _ = consume scope
    }

    private func reconcile(_ name: String) async throws {
        guard var node = nodes.store.get(name), node.metadata.deletionTimestamp == nil else { return }
        let isLost = planner.withLock { $0.isLost(name, now: clock.now) }
        let verdict = NodeVerdict(node, isLost: isLost, now: wallClock().timestamp)
        do {
            if let ready = verdict.ready {
                // Conditions are merged by their type: what the node says of others stays.
                let patch: JSONValue = ["status": ["conditions": [try ObjectEncoder.encode(ready)]]]
                node = try await client.patch(Node.self, name, .strategicMerge(patch), subresource: "status")
                nodes.absorb(node)
                logger.warning("node \(name): \(ready.message)")
                recorder.record(
                    .warning, about: node, reason: "NodeNotReady", message: "Node \(name) status is now: NodeNotReady")
            }
            if let taints = verdict.taints {
                let patch: JSONValue = [
                    "metadata": ["resourceVersion": .string(node.metadata.resourceVersion ?? "")],
                    "spec": ["taints": .array(try taints.map { try ObjectEncoder.encode($0) })],
                ]
                node = try await client.patch(Node.self, name, .merge(patch))
                nodes.absorb(node)
            }
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
            return
        }
        if NodeVerdict.isDown(node) { try await markPods(on: name) }
    }

    /// Takes the Pods of a lost node out of traffic. Their kubelet puts them back when it returns.
    private func markPods(on node: String) async throws {
        for pod in pods.store.objects(index: Self.byNode, node)
        where Self.isReady(pod) && pod.metadata.annotations?[PodAddresses.annotation] == nil {
            let condition = PodCondition(
                type: "Ready", status: "False", lastTransitionTime: wallClock().timestamp, reason: "NodeNotReady",
                message: "node \(node) is not ready")
            let patch: JSONValue = ["status": ["conditions": [try ObjectEncoder.encode(condition)]]]
            do {
                let written = try await client.patch(
                    Pod.self, pod.metadata.name ?? "", namespace: pod.metadata.namespace, .strategicMerge(patch),
                    subresource: "status")
                pods.absorb(written)
                recorder.record(.warning, about: pod, reason: "NodeNotReady", message: "Node is not ready")
            } catch let status as Status where status.isNotFound {
                // It is gone; the watch will tell.
            }
        }
    }

    private static func isReady(_ pod: Pod) -> Bool {
        pod.status?.conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false
    }
}
