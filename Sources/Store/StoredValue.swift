/// A key with its value as of some revision.
package struct StoredValue: Sendable, Equatable {
    package let key: String
    /// Opaque to the store. The API server's objects are kept here without their resourceVersion.
    package let value: [UInt8]
    /// The revision that created the key; an update keeps it, a delete ends it.
    package let createRevision: Revision
    /// The revision of the last write to the key.
    package let modRevision: Revision
    /// Whether `value` is what was written. A value that is not may be anything.
    package let isIntact: Bool

    package init(
        key: String, value: [UInt8], createRevision: Revision, modRevision: Revision, isIntact: Bool = true
    ) {
        self.key = key
        self.value = value
        self.createRevision = createRevision
        self.modRevision = modRevision
        self.isIntact = isIntact
    }
}
