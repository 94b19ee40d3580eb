import KubeClient
import KubeModel
import Logging

/// Keeps the status of PodDisruptionBudgets, by which evictions are judged: without it every eviction under a budget is
/// refused for ever, and `kubectl drain` does not end.
final class DisruptionController: Controller {
    let name = "disruption-controller"
    private let client: APIClient
    private let budgets: Informer<PodDisruptionBudget>
    private let pods: Informer<Pod>
    private let logger: Logger
    private let wallClock: @Sendable () -> MicroTime

    private static let byNamespace = "namespace"

    init(_ context: ControllerContext) {
        client = context.client
        budgets = context.informers.informer(indexes: [Self.byNamespace: { [$0.metadata.namespace ?? ""] }])
        pods = context.informers.informer(indexes: [Self.byNamespace: { [$0.metadata.namespace ?? ""] }])
        logger = context.logger
        wallClock = context.wallClock
    }

    func run() async throws {
        let queue = WorkQueue<NamespacedName>()
        var scope = HandlerScope()
        scope.add(budgets.addHandler { queue.add($0.key) })
        scope.add(
            pods.addHandler { [budgets] change in
                // Which budgets it concerns is told by labels that may have changed: all of its namespace look.
                for budget in budgets.store.objects(index: Self.byNamespace, change.key.namespace) {
                    queue.add(NamespacedName(budget.metadata))
                }
            })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] key in
            try await reconcile(key)
        }.run(after: [budgets, pods])
        _ = consume scope
    }

    func reconcile(_ key: NamespacedName) async throws -> ReconcileOutcome {
        guard let budget = budgets.store[key], budget.metadata.deletionTimestamp == nil else { return .settled }
        let selected = try select(budget)
        let (status, again) = DisruptionPlanner(
            budget: budget, pods: selected, scales: try await scales(of: selected, in: key.namespace),
            now: wallClock().timestamp
        ).plan()
        if status != budget.status { try await write(status, of: budget) }
        return again.map { .again(after: $0) } ?? .settled
    }

    private func select(_ budget: PodDisruptionBudget) throws -> [Pod] {
        guard let labels = budget.spec?.selector else { return [] }
        let selector = try Selector(labels)
        return pods.store.objects(index: Self.byNamespace, budget.metadata.namespace ?? "").filter { pod in
            let phase = pod.status?.phase
            return phase != "Succeeded" && phase != "Failed" && selector.matches(pod.metadata.labels ?? [:])
        }
    }

    /// The owners whose wanted number of Pods can be read here.
    private static let scaled: [String: ResourceDefinition] = [
        "apps/v1/Deployment": Deployment.definition, "apps/v1/ReplicaSet": ReplicaSet.definition,
    ]

    private func scales(of pods: [Pod], in namespace: String) async throws -> [String: Int] {
        var scales: [String: Int] = [:]
        for pod in pods {
            guard let owner = pod.metadata.ownerReferences?.first(where: { $0.controller == true }),
                scales[owner.uid] == nil, let definition = Self.scaled["\(owner.apiVersion)/\(owner.kind)"]
            else { continue }
            do {
                let object = try await client.get(definition, owner.name, namespace: namespace)
                guard object["metadata"]["uid"]?.string == owner.uid else { continue }
                scales[owner.uid] = object["spec"]["replicas"]?.int ?? 1
            } catch let status as Status where status.isNotFound {
                // Its Pods count for themselves.
            }
        }
        return scales
    }

    private func write(_ status: PodDisruptionBudgetStatus, of budget: PodDisruptionBudget) async throws {
        // An eviction that was granted meanwhile changed the version: then it is decided anew.
        let document = try ObjectEncoder.encode(status)
        var patched = document
        if budget.status?.disruptedPods != nil {
            // A merge patch keeps what it does not mention.
            var names = document["disruptedPods"]?.object ?? JSONObject()
            for name in (budget.status?.disruptedPods ?? [:]).keys where status.disruptedPods?[name] == nil {
                names[name] = .some(.null)
            }
            patched["disruptedPods"] = .object(names)
        }
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(budget.metadata.resourceVersion ?? "")], "status": patched,
        ]
        do {
            let written = try await client.patch(
                PodDisruptionBudget.self, budget.metadata.name ?? "", namespace: budget.metadata.namespace,
                .merge(patch), subresource: "status")
            budgets.absorb(written)
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
