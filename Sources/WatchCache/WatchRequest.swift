package import KubeModel
package import Store

/// What to watch, from where.
package struct WatchRequest: Sendable {
    package enum Start: Sendable, Equatable {
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
    package var namespace: String?
    /// One object only.
    package var name: String?
    package var labels: Selector?
    package var fields: FieldSelector?
    package var start: Start
    /// Whether the client asked for bookmarks; it then gets one about every minute.
    package var allowsBookmarks = false
    /// What waits for a slow client before it is cut off, besides what its sink holds.
    package var maximumQueuedBytes = 8 << 20
    var maximumQueuedEvents = 10_000

    package init(
        namespace: String? = nil, name: String? = nil, labels: Selector? = nil, fields: FieldSelector? = nil,
        start: Start,
        allowsBookmarks: Bool = false, maximumQueuedBytes: Int = 8 << 20, maximumQueuedEvents: Int = 10_000
    ) {
        self.namespace = namespace
        self.name = name
        self.labels = labels
        self.fields = fields
        self.start = start
        self.allowsBookmarks = allowsBookmarks
        self.maximumQueuedBytes = maximumQueuedBytes
        self.maximumQueuedEvents = maximumQueuedEvents
    }
}
