/// A stretch of the keys under a prefix, as they stood at one revision.
package struct ValuePage: Sendable {
    /// In the byte order of their keys.
    package let items: [StoredValue]
    /// The revision the page shows: the one asked for, else the current one when it was read.
    package let revision: Revision
    /// Whether the limit cut the page short.
    package let isTruncated: Bool

    package init(items: [StoredValue], revision: Revision, isTruncated: Bool) {
        self.items = items
        self.revision = revision
        self.isTruncated = isTruncated
    }
}
