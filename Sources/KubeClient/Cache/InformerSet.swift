public import KubeModel
public import Logging
import Synchronization

/// The informers of a process, one for each kind, shared by its controllers.
///
/// The first request for a kind decides its pruning. Ask for all informers while wiring, before `run()`.
public final class InformerSet: Sendable {
    private let client: APIClient
    private let logger: Logger
    // The mutex protects the dictionary.
    private let informers = Mutex<[ResourceDefinition: any AnyInformer]>([:])

    public init(client: APIClient, logger: Logger) {
        self.client = client
        self.logger = logger
    }

    /// The informer of a kind across all namespaces.
    public func informer<Object: KubeObject>(
        for type: Object.Type = Object.self, indexes: [String: ObjectStore<Object>.Index] = [:],
        prune: @escaping @Sendable (inout Object) -> Void = { _ in }
    ) -> Informer<Object> {
        informers.withLock { informers in
            if let existing = informers[Object.definition] as? Informer<Object> {
                existing.store.addIndexes(indexes)
                return existing
            }
            let informer = Informer<Object>(client: client, indexes: indexes, logger: logger, prune: prune)
            informers[Object.definition] = informer
            return informer
        }
    }

    /// Runs every informer until cancelled.
    public func run() async throws {
        let all = informers.withLock { Array($0.values) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in all { group.addTask { try await informer.run() } }
            try await group.waitForAll()
        }
    }

    /// Returns once every informer has its first list.
    public func waitForSync() async throws {
        for informer in informers.withLock({ Array($0.values) }) { try await informer.waitForSync() }
    }
}
