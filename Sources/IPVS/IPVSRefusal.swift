package import Netlink

/// A change that the kernel refused, with what it is about.
package struct IPVSRefusal: Hashable, Sendable, CustomStringConvertible {
    package var change: IPVSChange
    package var cause: KernelRefusal

    package init(_ change: IPVSChange, _ cause: KernelRefusal) {
        self.change = change
        self.cause = cause
    }

    package var description: String { "\(change.subject): \(cause)" }
}
