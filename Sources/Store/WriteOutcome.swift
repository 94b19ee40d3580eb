/// What a write that is on disk did.
package struct WriteOutcome: Sendable, Equatable {
    /// The write's own revision.
    package let revision: Revision
    package let createRevision: Revision
    /// The new value; of a delete, the last one.
    package let value: [UInt8]

    package init(revision: Revision, createRevision: Revision, value: [UInt8]) {
        self.revision = revision
        self.createRevision = createRevision
        self.value = value
    }
}
