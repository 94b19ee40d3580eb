import APIResources
import KubeModel
import Logging
import Store
import System
import WatchCache

/// What the store needs now and then: history older than watchers may ask for is dropped, objects whose time is up
/// (Events) are deleted.
struct StoreUpkeep: Sendable {
    let store: any Store
    let writer: ObjectWriter
    let resources: ServedResources
    /// History that is always kept.
    let historySeconds: Int
    let logger: Logger

    /// Runs until cancelled.
    func run() async {
        var policy = CompactionPolicy(keptSeconds: Int64(historySeconds))
        let interval = min(max(1, historySeconds), 5)
        var untilExpiry = historySeconds
        while !Task.isCancelled {
            // At once, too: a server that is restarted all the time has history to drop.
            compact(&policy, now: MonotonicClock.seconds)
            // Cancellation ends the sleep early, and the loop with it.
            try? await Task.sleep(for: .seconds(interval))
            guard !Task.isCancelled else { return }
            untilExpiry -= interval
            if untilExpiry <= 0 {
                expire()
                untilExpiry = historySeconds
            }
        }
    }

    private func compact(_ policy: inout CompactionPolicy, now: Int64) {
        let target = policy.target(
            now: now, current: store.currentRevision, compacted: store.compactedRevision, history: store.history)
        guard let target else { return }
        do {
            try store.compact(to: target)
        } catch {
            logger.error("compaction to \(target): \(error)")
        }
    }

    /// Deletes objects older than their kind's `timeToLiveSeconds`.
    func expire(now: Timestamp = Timestamp.now) {
        for resource in resources.all {
            guard let lifetime = resource.strategy.timeToLiveSeconds, resource.strategy.storedForm == nil else {
                continue
            }
            for object in resource.cache.list(namespace: nil, labels: nil, fields: nil).items {
                guard let text = (try? resource.served(object))?["metadata"]["creationTimestamp"].string,
                    let created = Timestamp(text),
                    now.secondsSinceEpoch - created.secondsSinceEpoch > Int64(lifetime)
                else { continue }
                writer.discard(resource, object, now: now)
            }
        }
    }
}
