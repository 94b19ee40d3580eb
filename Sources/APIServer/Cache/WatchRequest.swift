import KubeModel
import Store

/// What to watch, from where.
struct WatchRequest: Sendable {
    enum Start: Sendable, Equatable {
        /// Every change after a revision.
        case after(Revision)
        /// What is there now as ADDED events, then every change: a watch without resourceVersion, or with "0".
        case existing
        /// As `existing`, of a moment not before `notBefore`, and then the bookmark with `k8s.io/initial-events-end`:
        /// `sendInitialEvents=true`.
        case existingWithBookmark(notBefore: Revision?)
        /// Only changes from now on: `sendInitialEvents=false` without a resourceVersion.
        case now
    }

    /// `nil`: all.
    var namespace: String?
    /// One object only.
    var name: String?
    var labels: Selector?
    var fields: FieldSelector?
    var start: Start
    /// Whether the client asked for bookmarks; it then gets one about every minute.
    var allowsBookmarks = false
    /// What waits for a slow client before it is cut off, besides what its sink holds.
    var maximumQueuedBytes = 8 << 20
    var maximumQueuedEvents = 10_000
}
