import APIResources
import KubeModel
import Logging
import Store
import Synchronization
import System
import WatchCache

/// What the store needs now and then: history older than watchers may ask for is dropped, objects whose time is up
/// (Events) are deleted.
final class StoreUpkeep: Sendable {
    private struct State {
        var policy: CompactionPolicy
        var isCompacting = false
        /// When to look for objects whose time is up, by the loop's seconds.
        var nextExpiry: Int64
        var next: (any ScheduledWork)?
        var isStopped = false
    }

    private let store: any Store
    private let resources: ServedResources
    private let loop: KeeperLoop
    /// Waits for the disk.
    private let worker: BoundedWorker
    /// History that is always kept.
    private let historySeconds: Int
    private let logger: Logger
    private let state: Mutex<State>

    /// Objects that are looked at before others get their turn on the loop.
    private static let objectsATurn = 500

    init(
        store: any Store, resources: ServedResources, loop: KeeperLoop, worker: BoundedWorker, historySeconds: Int,
        logger: Logger
    ) {
        self.store = store
        self.resources = resources
        self.loop = loop
        self.worker = worker
        self.historySeconds = historySeconds
        self.logger = logger
        state = Mutex(
            State(
                policy: CompactionPolicy(keptSeconds: Int64(historySeconds)),
                // At once: a server that is restarted all the time has old Events, too.
                nextExpiry: loop.seconds))
    }

    /// Begins at once: a server that is restarted all the time has history to drop, and Events.
    func start() {
        loop.run { self.look() }
    }

    func stop() {
        let next = state.withLock { state in
            state.isStopped = true
            return state.next.take()
        }
        next?.cancel()
    }

    private func look() {
        let seconds = loop.seconds
        let isExpiryDue = state.withLock { state in
            guard !state.isStopped, seconds >= state.nextExpiry else { return false }
            state.nextExpiry = seconds + Int64(historySeconds)
            return true
        }
        compact(seconds)
        if isExpiryDue { expire() }
        let next = loop.run(afterMilliseconds: min(max(1, historySeconds), 5) * 1000) { [weak self] in self?.look() }
        let isStopped = state.withLock { state in
            if !state.isStopped { state.next = next }
            return state.isStopped
        }
        if isStopped { next.cancel() }
    }

    // MARK: History

    private func compact(_ seconds: Int64) {
        let target = state.withLock { state -> Revision? in
            guard !state.isStopped, !state.isCompacting else { return nil }
            let target = state.policy.target(
                now: seconds, current: store.currentRevision, compacted: store.compactedRevision,
                history: store.history)
            state.isCompacting = target != nil
            return target
        }
        guard let target else { return }
        let isTaken = worker.submit {
            do {
                try self.store.compact(to: target)
            } catch {
                self.logger.error("compaction to \(target): \(error)")
            }
            self.state.withLock { $0.isCompacting = false }
        }
        // Whoever reads the past is first; the next look tries again.
        if !isTaken { state.withLock { $0.isCompacting = false } }
    }

    // MARK: Objects whose time is up

    /// Deletes objects older than their kind's `timeToLiveSeconds`.
    private func expire() {
        let now = loop.now
        for resource in resources.all where resource.strategy.storedForm == nil {
            guard let lifetime = resource.strategy.timeToLiveSeconds else { continue }
            let objects = resource.cache.list(namespace: nil, labels: nil, fields: nil).items
            let end = now.secondsSinceEpoch - Int64(lifetime)
            expire(objects[...], of: resource, createdBefore: end)
        }
    }

    /// - Parameter end: seconds since 1970.
    private func expire(_ objects: ArraySlice<CachedObject>, of resource: ServedResource, createdBefore end: Int64) {
        for object in objects.prefix(Self.objectsATurn) {
            // What is unreadable does not say how old it is.
            guard let text = (try? resource.served(object))?["metadata"]["creationTimestamp"].string,
                let created = Timestamp(text), created.secondsSinceEpoch < end
            else { continue }
            loop.discard(resource, object)
        }
        let rest = objects.dropFirst(Self.objectsATurn)
        if !rest.isEmpty { loop.run { self.expire(rest, of: resource, createdBefore: end) } }
    }
}
