/// A stretch of history.
package struct EventPage: Sendable {
    /// In revision order.
    package let events: [StoreEvent]
    /// Every event asked for up to and including this revision is in `events`: the last event's revision when the
    /// limit cut the page short, else the store's revision when it was read. Ask for more after it.
    package let through: Revision
    /// Whether the limit cut the page short.
    package let isTruncated: Bool

    package init(events: [StoreEvent], through: Revision, isTruncated: Bool) {
        self.events = events
        self.through = through
        self.isTruncated = isTruncated
    }
}
