import KubeClient
import KubeModel
import Logging
import Synchronization

/// One term of the garbage collector: the graph, what feeds it, and the workers that act on it.
final class CollectionRun: Sendable {
    struct State {
        var graph = OwnershipGraph()
        /// Objects with an owner of a kind that the server does not have; looked at again whenever discovery
        /// was read.
        var ofUnknownKinds: Set<String> = []
    }

    private enum DiscoveryKey: Hashable, Sendable {
        /// What the server serves may have changed.
        case kinds
    }

    let client: APIClient
    let monitors: OwnershipMonitors
    let logger: Logger
    // The mutex protects all of the state; nothing is sent under it.
    let state = Mutex(State())
    private let name: String
    private let recorder: EventRecorder
    /// The uids of objects to look at.
    private let queue = WorkQueue<String>()
    private let discoveries = WorkQueue<DiscoveryKey>()

    private static let workers = 8
    private static let discoveryInterval = Duration.seconds(30)
    /// A CustomResourceDefinition is usually applied with others, and established a moment later.
    private static let discoveryDelay = Duration.milliseconds(100)

    init(_ context: ControllerContext, name: String) {
        self.name = name
        client = context.client
        recorder = context.recorder
        logger = context.logger
        monitors = OwnershipMonitors(client: context.client, logger: context.logger)
    }

    /// Collects until cancelled.
    func run() async throws {
        discoveries.add(.kinds)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await ControllerLoop(name: self.name, queue: self.discoveries, logger: self.logger) { _ in
                        try await self.readDiscovery()
                        return .again(after: Self.discoveryInterval)
                    }.run()
                }
                group.addTask {
                    try await ControllerLoop(
                        name: self.name, queue: self.queue, workers: Self.workers, logger: self.logger
                    ) { uid in
                        // Whether an object has dependents is known when every kind was listed.
                        try await self.monitors.waitForSync()
                        return try await self.collect(uid)
                    }.run()
                }
                try await group.waitForAll()
            }
        } catch {
            await monitors.stop()
            throw error
        }
    }

    private func readDiscovery() async throws {
        let gone = try await monitors.refresh { [self] kind, event in take(event, of: kind) }
        for kind in gone { apply { $0.forget(kind) } }
        let waiting = state.withLock { state in
            defer { state.ofUnknownKinds = [] }
            return state.ofUnknownKinds
        }
        for uid in waiting { queue.add(uid) }
    }

    private func take(_ event: ReflectorEvent<OwnedObject>, of kind: OwnershipKind) {
        switch event {
        case .replaced(let objects, _): apply { $0.replace(kind, with: objects) }
        case .applied(let object): apply { $0.observe(object, kind) }
        case .deleted(_, let uid?, _): apply { $0.remove(uid) }
        case .deleted(let key, nil, _): apply { $0.remove(key, kind) }
        }
        if kind.definition.plural == "customresourcedefinitions", kind.definition.group == "apiextensions.k8s.io" {
            discoveries.add(.kinds, after: Self.discoveryDelay)
        }
    }

    /// Changes the graph, and passes on what that leads to.
    func apply(_ change: (inout OwnershipGraph) -> OwnershipGraph.Effects) {
        let effects = state.withLock { change(&$0.graph) }
        for uid in effects.work { queue.add(uid) }
        for invalid in effects.invalidOwners {
            recorder.record(
                .warning, about: invalid.dependent, reason: "OwnerRefInvalidNamespace",
                message: Self.message(invalid))
        }
    }

    /// In the words of kube-controller-manager (KEP-2336).
    static func message(_ invalid: OwnershipGraph.InvalidOwner) -> String {
        let namespace = invalid.dependent.namespace ?? ""
        let owner = invalid.owner
        return "ownerRef [\(owner.apiVersion)/\(owner.kind), namespace: \(namespace), name: \(owner.name), "
            + "uid: \(owner.uid)] does not exist in namespace \"\(namespace)\""
    }

    /// The server may have got new kinds, or lost some.
    func rereadDiscovery() { discoveries.add(.kinds, after: Self.discoveryDelay) }
}
