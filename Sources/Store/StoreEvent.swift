/// One committed write as history tells it.
package struct StoreEvent: Sendable, Equatable {
    package enum Kind: Int32, Sendable {
        case created = 0
        case updated = 1
        case deleted = 2
    }

    package let kind: Kind
    package let key: String
    /// The value written; of a delete, the last value.
    package let value: [UInt8]
    /// Of a delete, whether the last value was what had been written; everything else that is told is.
    package let isIntact: Bool
    /// The value before an update or delete; nil also where it is damaged.
    package let previous: [UInt8]?
    package let revision: Revision
    package let createRevision: Revision

    package init(
        kind: Kind, key: String, value: [UInt8], previous: [UInt8]?, revision: Revision, createRevision: Revision,
        isIntact: Bool = true
    ) {
        self.kind = kind
        self.key = key
        self.value = value
        self.previous = previous
        self.revision = revision
        self.createRevision = createRevision
        self.isIntact = isIntact
    }
}
