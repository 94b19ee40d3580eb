public import KubeModel
public import Logging
import Synchronization

/// The informers of a process, one for each kind and selection, shared by its controllers.
///
/// The first request for a kind decides its pruning. Ask for all informers while wiring, before `run()`.
public final class InformerSet: Sendable {
    private let client: APIClient
    private let logger: Logger
    private let clock: MonotonicClock
    // The mutex protects the dictionary.
    private let informers = Mutex<[Scope: any AnyInformer]>([:])

    private struct Scope: Hashable {
        var definition: ResourceDefinition
        var fields: String?
    }

    public init(client: APIClient, logger: Logger, clock: MonotonicClock = MonotonicClock()) {
        self.client = client
        self.logger = logger
        self.clock = clock
    }

    /// For how long one of the caches has heard nothing from the server, the longest counting; nil while all of them
    /// hear from it.
    public var staleFor: Duration? { informers.withLock { $0.values.compactMap(\.staleFor).max() } }

    /// The informer of a kind across all namespaces.
    ///
    /// - Parameters:
    ///   - name: only the objects of this name, as one of all namespaces may be enough.
    ///   - fields: only the objects that this field selector matches; not together with `name`.
    ///   - reduce: drops what nobody needs once the handlers have heard of it (``Informer``).
    public func informer<Object: KubeObject>(
        for type: Object.Type = Object.self, named name: String? = nil, where fields: String? = nil,
        indexes: [String: ObjectStore<Object>.Index] = [:],
        prune: @escaping @Sendable (inout Object) -> Void = { _ in },
        reduce: @escaping @Sendable (inout Object) -> Void = { _ in }
    ) -> Informer<Object> {
        informers.withLock { informers in
            let fields = fields ?? name.map { "metadata.name=\($0)" }
            let scope = Scope(definition: Object.definition, fields: fields)
            if let existing = informers[scope] as? Informer<Object> {
                existing.store.addIndexes(indexes)
                return existing
            }
            let informer = Informer<Object>(
                client: client, fieldSelector: fields, indexes: indexes, logger: logger, clock: clock, prune: prune,
                reduce: reduce)
            informers[scope] = informer
            return informer
        }
    }

    /// Runs every informer until cancelled, and logs when the server is out of contact and when it is back.
    public func run() async throws {
        let all = informers.withLock { Array($0.values) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for informer in all { group.addTask { try await informer.run() } }
            group.addTask { try await self.reportContact() }
            try await group.waitForAll()
        }
    }

    private func reportContact() async throws {
        var report = ContactReport()
        while true {
            try await clock.sleep(for: .seconds(1))
            let now = clock.now
            switch report.look(lostSince: staleFor.map { now - $0 }, at: now) {
            case .lost(let duration):
                logger.warning(
                    "no sign of life from the API server for \(duration.components.seconds) s; going on with what is known"
                )
            case .regained(let duration):
                logger.notice("in contact with the API server again, after \(duration.components.seconds) s")
            case nil: break
            }
        }
    }

    /// Returns once every informer has its first list.
    public func waitForSync() async throws {
        for informer in informers.withLock({ Array($0.values) }) { try await informer.waitForSync() }
    }
}
