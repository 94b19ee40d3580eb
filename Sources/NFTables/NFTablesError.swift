internal import Glibc
package import Netlink

/// Why a transaction did not take effect.
package enum NFTablesError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Somebody else changed the rules of this machine since the generation that was expected: nothing was done.
    case generationChanged
    /// The kernel refused these operations of the transaction, and with them all of it.
    case refused([Refusal])
    /// It is longer than one transaction may be.
    case tooLong(bytes: Int)
    case netlink(NetlinkError)

    /// One operation that was refused.
    package struct Refusal: Hashable, Sendable {
        /// Which one of the transaction.
        package var operation: Int
        /// Which of its elements, where the kernel says so.
        package var element: Int?
        package var subject: String
        package var cause: KernelRefusal

        package init(operation: Int, element: Int? = nil, subject: String, cause: KernelRefusal) {
            self.operation = operation
            self.element = element
            self.subject = subject
            self.cause = cause
        }
    }

    /// Whether it is due to what others do at the same time, or to too much at once, and may work when it is tried again.
    /// After `NetlinkError.overrun` nobody knows whether it took effect.
    package var isPassing: Bool {
        switch self {
        case .generationChanged, .netlink(.overrun), .netlink(.interrupted): true
        case .refused, .tooLong, .netlink: false
        }
    }

    /// Whether this process may not do it.
    package var isForWantOfPermission: Bool {
        switch self {
        case .refused(let refusals): refusals.contains { $0.cause.number == EPERM }
        case .netlink(let error): error.number == EPERM
        case .generationChanged, .tooLong: false
        }
    }

    package var description: String {
        switch self {
        case .generationChanged: "somebody else changed the rules meanwhile"
        case .refused(let refusals):
            refusals.prefix(3).map { "\($0.subject): \($0.cause)" }.joined(separator: "; ")
                + (refusals.count > 3 ? "; \(refusals.count - 3) more" : "")
        case .tooLong(let bytes): "a transaction of \(bytes) bytes"
        case .netlink(let error): error.description
        }
    }
}
