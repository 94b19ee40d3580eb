/// How much of the past a store keeps.
package struct StoreHistory: Sendable, Equatable {
    /// Revisions after `compactedRevision`.
    package var revisions: Int64
    /// The bytes of their values, about.
    package var bytes: Int64
    /// The bytes of values that these revisions replaced or deleted: what only history needs, about.
    package var garbageBytes: Int64

    package init(revisions: Int64, bytes: Int64, garbageBytes: Int64 = 0) {
        self.revisions = revisions
        self.bytes = bytes
        self.garbageBytes = garbageBytes
    }
}
