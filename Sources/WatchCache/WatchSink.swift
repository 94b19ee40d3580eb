/// Where a watch's events go. Called by one thread at a time, in order, never under a lock of the cache.
package protocol WatchSink: AnyObject, Sendable {
    /// Bytes taken that have not left for the client. While there are many, events wait in the cache.
    var pendingBytes: Int { get }

    /// Takes the next events. Must not block.
    func deliver(_ batch: WatchBatch)

    /// The cache ended the watch; nothing follows. Not called after `WatchSubscription.cancel()`.
    func close(_ reason: WatchEnd)
}

package enum WatchEnd: Sendable, Equatable {
    /// The client did not keep up: the connection is to be broken off, and the client comes back with its last version.
    case tooSlow
    /// An ERROR event was delivered last (410 Expired): the response is to be finished.
    case failed
    /// The server stops.
    case shutdown
}
