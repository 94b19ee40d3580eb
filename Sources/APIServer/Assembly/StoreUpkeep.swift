import KubeModel
import Logging
import Store
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
        let interval = max(1, historySeconds)
        // A revision that was current one interval ago: everything before it is older than that.
        var old = store.currentRevision
        while !Task.isCancelled {
            // Cancellation ends the sleep early, and the loop with it.
            try? await Task.sleep(for: .seconds(interval))
            guard !Task.isCancelled else { return }
            expire()
            do {
                if old > store.compactedRevision { try store.compact(to: old) }
            } catch {
                logger.error("compaction to \(old): \(error)")
            }
            old = store.currentRevision
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
