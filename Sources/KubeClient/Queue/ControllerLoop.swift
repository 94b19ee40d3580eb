public import Logging

/// What a reconciliation wants next.
public enum ReconcileOutcome: Sendable, Hashable {
    /// Nothing until the next change.
    case settled
    /// To be called again after a delay even without a change.
    case again(after: Duration)
}

/// Workers that take keys from a queue and reconcile them, level-triggered: the reconciler rereads the current state,
/// and a key that throws comes back with a growing delay.
public struct ControllerLoop<Key: Hashable & Sendable>: Sendable {
    public var name: String
    public var queue: WorkQueue<Key>
    public var workers: Int
    private let logger: Logger
    private let reconcile: @Sendable (Key) async throws -> ReconcileOutcome

    public init(
        name: String, queue: WorkQueue<Key>, workers: Int = 1, logger: Logger,
        reconcile: @escaping @Sendable (Key) async throws -> ReconcileOutcome
    ) {
        self.name = name
        self.queue = queue
        self.workers = max(1, workers)
        self.logger = logger
        self.reconcile = reconcile
    }

    /// Waits for the informers, then works until cancelled. A reconciliation under way is cancelled with the task.
    public func run(after informers: [any AnyInformer] = []) async throws {
        for informer in informers { try await informer.waitForSync() }
        logger.debug("\(name): synced")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<workers { group.addTask { await work() } }
        }
        try Task.checkCancellation()
    }

    private func work() async {
        while let key = await queue.next() {
            do {
                let outcome = try await reconcile(key)
                queue.forget(key)
                if case .again(let delay) = outcome { queue.add(key, after: delay) }
            } catch {
                if Task.isCancelled {
                    queue.done(key)
                    return
                }
                // A lost race is everyday life: the newer state is on its way.
                let level: Logger.Level = (error as? any ExpectedFailure)?.isExpected == true ? .debug : .warning
                logger.log(level: level, "\(name): \(key): \(error)")
                queue.addAfterFailure(key)
            }
            queue.done(key)
        }
    }
}
