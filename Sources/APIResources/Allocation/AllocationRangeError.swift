/// A range in the configuration that can't be allocated from.
package struct AllocationRangeError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
