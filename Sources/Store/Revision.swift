/// A position in the store's history: one number for every write to any key, growing by one with each.
///
/// An empty store stands at `Revision.initial`; the first write gets the next number. Zero is never the revision of
/// anything, so that it can mean "any" in the Kubernetes API.
package struct Revision: RawRepresentable, Comparable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int64

    package init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    package init(_ rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The revision of a store that nothing has been written to.
    package static let initial = Revision(1)

    /// Before all history.
    package static let zero = Revision(0)

    package var next: Revision { Revision(rawValue + 1) }

    package var description: String { String(rawValue) }

    package static func < (left: Revision, right: Revision) -> Bool {
        left.rawValue < right.rawValue
    }
}
