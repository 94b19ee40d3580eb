/// A stretch of the keys under a prefix, as they stood at one revision.
package struct ValuePage: Sendable {
    /// In the byte order of their keys.
    package let items: [StoredValue]
    /// The revision the page shows: the one asked for, else the current one when it was read.
    package let revision: Revision
    /// How many keys of the prefix follow the last item at this revision.
    package let remaining: Int

    package init(items: [StoredValue], revision: Revision, remaining: Int) {
        self.items = items
        self.revision = revision
        self.remaining = remaining
    }
}
