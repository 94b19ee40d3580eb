import KubeClient
import KubeModel
import Logging

/// Says in the status of Deployments and ReplicaSets that nothing runs them, once for each generation, and leaves them
/// alone as soon as a controller that does has written there.
final class WorkloadController: Controller {
    let name = "workload-controller"
    private let client: APIClient
    private let deployments: Informer<Deployment>
    private let replicaSets: Informer<ReplicaSet>
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    enum Key: Hashable, Sendable, CustomStringConvertible {
        case deployment(NamespacedName)
        case replicaSet(NamespacedName)

        var description: String {
            switch self {
            case .deployment(let key): "Deployment \(key)"
            case .replicaSet(let key): "ReplicaSet \(key)"
            }
        }
    }

    init(_ context: ControllerContext) {
        client = context.client
        deployments = context.informers.informer()
        replicaSets = context.informers.informer()
        logger = context.logger
        wallClock = context.wallClock
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(deployments.addHandler { queue.add(.deployment($0.key)) })
        scope.add(replicaSets.addHandler { queue.add(.replicaSet($0.key)) })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            let now = wallClock().timestamp
            switch key {
            case .deployment(let key):
                guard let object = deployments.store[key], object.metadata.deletionTimestamp == nil,
                    let status = UnrunWorkload.status(of: object, now: now)
                else { break }
                try await write(status, Deployment.definition, object.metadata)
            case .replicaSet(let key):
                guard let object = replicaSets.store[key], object.metadata.deletionTimestamp == nil,
                    let status = UnrunWorkload.status(of: object, now: now)
                else { break }
                try await write(status, ReplicaSet.definition, object.metadata)
            }
            return .settled
        }.run(after: [deployments, replicaSets])
        _ = consume scope
    }

    private func write(_ status: ReplicatedStatus, _ definition: ResourceDefinition, _ metadata: ObjectMeta)
        async throws
    {
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(metadata.resourceVersion ?? "")],
            "status": try ObjectEncoder.encode(status),
        ]
        do {
            _ = try await client.patch(
                definition, metadata.name ?? "", namespace: metadata.namespace, .merge(patch), subresource: "status")
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
