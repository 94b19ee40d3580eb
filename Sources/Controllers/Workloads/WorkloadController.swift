import KubeClient
import KubeModel
import Logging

/// Says in the status of workloads that nothing runs them, once for each generation, and leaves them
/// alone as soon as a controller that does has written there.
final class WorkloadController: Controller {
    let name = "workload-controller"
    private let client: APIClient
    private let deployments: Informer<Deployment>
    private let replicaSets: Informer<ReplicaSet>
    private let statefulSets: Informer<StatefulSet>
    private let daemonSets: Informer<DaemonSet>
    private let jobs: Informer<Job>
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    enum Key: Hashable, Sendable, CustomStringConvertible {
        case deployment(NamespacedName)
        case replicaSet(NamespacedName)
        case statefulSet(NamespacedName)
        case daemonSet(NamespacedName)
        case job(NamespacedName)

        var description: String {
            switch self {
            case .deployment(let key): "Deployment \(key)"
            case .replicaSet(let key): "ReplicaSet \(key)"
            case .statefulSet(let key): "StatefulSet \(key)"
            case .daemonSet(let key): "DaemonSet \(key)"
            case .job(let key): "Job \(key)"
            }
        }
    }

    init(_ context: ControllerContext) {
        client = context.client
        deployments = context.informers.informer()
        replicaSets = context.informers.informer()
        statefulSets = context.informers.informer()
        daemonSets = context.informers.informer()
        jobs = context.informers.informer()
        logger = context.logger
        wallClock = context.wallClock
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(deployments.addHandler { queue.add(.deployment($0.key)) })
        scope.add(replicaSets.addHandler { queue.add(.replicaSet($0.key)) })
        scope.add(statefulSets.addHandler { queue.add(.statefulSet($0.key)) })
        scope.add(daemonSets.addHandler { queue.add(.daemonSet($0.key)) })
        scope.add(jobs.addHandler { queue.add(.job($0.key)) })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            let now = wallClock().timestamp
            switch key {
            case .deployment(let key):
                try await tell(deployments.store[key]) { UnrunWorkload.status(of: $0, now: now) }
            case .replicaSet(let key):
                try await tell(replicaSets.store[key]) { UnrunWorkload.status(of: $0, now: now) }
            case .statefulSet(let key):
                try await tell(statefulSets.store[key]) { UnrunWorkload.status(of: $0, now: now) }
            case .daemonSet(let key):
                try await tell(daemonSets.store[key]) { UnrunWorkload.status(of: $0, now: now) }
            case .job(let key):
                try await tell(jobs.store[key]) { UnrunWorkload.status(of: $0, now: now) }
            }
            return .settled
        }.run(after: [deployments, replicaSets, statefulSets, daemonSets, jobs])
        _ = consume scope
    }

    /// Writes the status that the object is to have, if it is to have another.
    private func tell<Object: KubeObject>(_ object: Object?, _ wanted: (Object) -> (some Encodable)?) async throws {
        guard let object, object.metadata.deletionTimestamp == nil, let status = wanted(object) else { return }
        let metadata = object.metadata
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(metadata.resourceVersion ?? "")],
            "status": try ObjectEncoder.encode(status),
        ]
        do {
            _ = try await client.patch(
                Object.definition, metadata.name ?? "", namespace: metadata.namespace, .merge(patch),
                subresource: "status")
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
