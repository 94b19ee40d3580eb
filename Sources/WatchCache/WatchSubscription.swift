import Store
import Synchronization

/// One open watch.
///
/// It starts on the dispatcher's catch-up thread, which tells it what is already there or in history; once it stands at
/// the newest change it is live, and the dispatcher's live thread alone delivers to it.
package final class WatchSubscription: @unchecked Sendable {
    // Sendable: `backlog` belongs to the catch-up thread until the watch is live, `queue…` to the live thread from then
    // on (the change of hands is under the cache's lock); the rest is constant or atomic.
    let scope: WatchScope
    let filter: ObjectFilter
    let sink: any WatchSink
    let allowsBookmarks: Bool
    /// Changes up to here were delivered, or left out, before the watch was live.
    var startRevision = Revision.zero
    var backlog: WatchBacklog?
    /// Whether the dispatcher already looks after `queue`.
    var isStalled = false
    private var queue: [WatchBatch] = []
    private var queuedBytes = 0
    private var queuedEvents = 0
    private let maximumQueuedBytes: Int
    private let maximumQueuedEvents: Int
    private let ended = Atomic<Bool>(false)
    private let bookmarkWanted = Atomic<Bool>(false)
    private weak let cache: ResourceCache?

    /// A client that has this much waiting gets nothing more until it has read some.
    static let sinkHighWater = 256 << 10

    init(_ request: WatchRequest, scope: WatchScope, filter: ObjectFilter, sink: any WatchSink, cache: ResourceCache) {
        self.scope = scope
        self.filter = filter
        self.sink = sink
        self.cache = cache
        allowsBookmarks = request.allowsBookmarks
        maximumQueuedBytes = request.maximumQueuedBytes
        maximumQueuedEvents = request.maximumQueuedEvents
    }

    /// Ends the watch. A delivery that is under way on another thread may still finish.
    package func cancel() {
        guard !ended.exchange(true, ordering: .acquiringAndReleasing) else { return }
        cache?.remove(self)
    }

    /// Has a bookmark with the newest version sent soon, to a watch that allows them: for the moment before a time-out.
    package func requestBookmark() {
        guard allowsBookmarks else { return }
        bookmarkWanted.store(true, ordering: .releasing)
        cache?.requestBookmarks()
    }

    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    func takeBookmarkRequest() -> Bool {
        bookmarkWanted.exchange(false, ordering: .acquiringAndReleasing)
    }

    /// Ends the watch from the cache's side.
    func end(_ reason: WatchEnd) {
        guard !ended.exchange(true, ordering: .acquiringAndReleasing) else { return }
        cache?.remove(self)
        sink.close(reason)
    }

    // MARK: On the live thread

    /// Delivers, or queues behind what waits already.
    /// - Returns: whether the client keeps up. If not, `drain()` is to be called now and then.
    func offer(_ batch: WatchBatch) -> Bool {
        if queue.isEmpty, sink.pendingBytes <= Self.sinkHighWater {
            sink.deliver(batch)
            return true
        }
        enqueue(batch)
        if queuedBytes + sink.pendingBytes > maximumQueuedBytes || queuedEvents > maximumQueuedEvents {
            discard()
            end(.tooSlow)
        }
        return false
    }

    func enqueue(_ batch: WatchBatch) {
        queue.append(batch)
        queuedBytes += batch.estimatedBytes
        queuedEvents += batch.events.count
    }

    /// - Returns: whether everything that waited is delivered, or the watch is over.
    func drain() -> Bool {
        if hasEnded {
            discard()
            return true
        }
        var delivered = 0
        while delivered < queue.count, sink.pendingBytes <= Self.sinkHighWater {
            let batch = queue[delivered]
            queuedBytes -= batch.estimatedBytes
            queuedEvents -= batch.events.count
            delivered += 1
            sink.deliver(batch)
        }
        queue.removeFirst(delivered)
        return queue.isEmpty
    }

    private func discard() {
        queue = []
        queuedBytes = 0
        queuedEvents = 0
    }
}

/// What a watch has still to be told before it is live.
enum WatchBacklog: Sendable {
    /// Objects of a snapshot, from a position on.
    case objects(ObjectIndex, Range<ObjectIndex.Position>, at: Revision, closesWithBookmark: Bool)
    /// Changes after a revision.
    case changes(after: Revision)
}

/// Which part of a resource a watch looks at.
enum WatchScope: Hashable, Sendable {
    case all
    case namespace(String)
    case object(key: String)
}
