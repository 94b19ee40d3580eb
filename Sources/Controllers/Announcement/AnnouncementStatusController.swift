import KubeClient
import KubeModel
import Logging
import Synchronization

/// Takes back what a node said of its announcements when it can no longer do so itself: no ServiceL2Status names a node whose
/// announcer's Lease has run out, and no ServiceBGPStatus one that is gone or not heard from.
///
/// Leases are read once a `period` for each node that has such an object, and not watched: the namespace has those of all
/// elections.
final class AnnouncementStatusController: Controller {
    let name = "announcement-status-controller"
    private static let byNode = "node"
    private static let period: Duration = .seconds(1)

    private let client: APIClient
    private let layer2: Informer<ServiceL2Status>
    private let bgp: Informer<ServiceBGPStatus>
    private let nodes: Informer<Node>
    private let logger: Logger
    private let clock: MonotonicClock
    // The mutex protects what was seen of Leases.
    private let silence = Mutex(AnnouncerSilence())

    init(_ context: ControllerContext, clock: MonotonicClock = MonotonicClock()) {
        client = context.client
        layer2 = context.informers.informer(indexes: [Self.byNode: { [Self.node($0.metadata, $0.status?.node)] }])
        bgp = context.informers.informer(indexes: [Self.byNode: { [Self.node($0.metadata, $0.status?.node)] }])
        nodes = context.informers.informer()
        logger = context.logger
        self.clock = clock
    }

    /// Who says so: a node may write no object that has another's name in its label.
    private static func node(_ metadata: ObjectMeta, _ status: String?) -> String {
        metadata.labels?[AnnouncementLabel.node] ?? status ?? ""
    }

    func run() async throws {
        let queue = WorkQueue<String>()
        silence.withLock { $0 = AnnouncerSilence() }
        var scope = HandlerScope()
        scope.add(layer2.addHandler { queue.add(Self.node($0.object.metadata, $0.object.status?.node)) })
        scope.add(bgp.addHandler { queue.add(Self.node($0.object.metadata, $0.object.status?.node)) })
        scope.add(nodes.addHandler { queue.add($0.key.name) })
        try await ControllerLoop(name: name, queue: queue, workers: 2, logger: logger) { [self] node in
            try await reconcile(node)
        }.run(after: [layer2, bgp, nodes])
        _ = consume scope
    }

    private func reconcile(_ node: String) async throws -> ReconcileOutcome {
        let isHeard = nodes.store.get(node).map { !Self.isUnheard($0) } ?? false
        if !isHeard { for object in bgp.store.objects(index: Self.byNode, node) { try await delete(object) } }
        let said = layer2.store.objects(index: Self.byNode, node)
        guard !said.isEmpty else {
            silence.withLock { $0.forget(node) }
            return .settled
        }
        switch try await verdict(node) {
        case .alive: return .again(after: Self.period)
        case .silent(let lease):
            do {
                _ = try await client.update(lease)
            } catch let status as Status where status.isConflict || status.isNotFound {
                // It was renewed, or taken by a neighbour.
                return .again(after: Self.period)
            }
            logger.warning("node \(node) has stopped renewing its Lease as an announcer: its addresses are free")
        case .ended: break
        }
        for object in said { try await delete(object) }
        return .settled
    }

    private func verdict(_ node: String) async throws -> AnnouncerSilence.Verdict {
        do {
            let lease = try await client.get(
                Lease.self, AnnouncementLease.announcer(node), namespace: AnnouncementLease.namespace)
            return silence.withLock { $0.look(at: node, lease, now: clock.now) }
        } catch let status as Status where status.isNotFound {
            // It went with its Node. Where the Node is there, these objects are of somebody who elects in another way.
            return nodes.store.get(node) == nil ? .ended : .alive
        }
    }

    private func delete(_ object: some KubeObject) async throws {
        do {
            try await client.delete(
                type(of: object), object.metadata.name ?? "", namespace: object.metadata.namespace)
        } catch let status as Status where status.isNotFound {
            // As it should be.
        }
    }

    private static func isUnheard(_ node: Node) -> Bool {
        node.status?.conditions?.contains { $0.type == "Ready" && $0.status == "Unknown" } ?? false
    }
}
