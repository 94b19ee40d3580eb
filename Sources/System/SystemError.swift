internal import Glibc

/// A system call that failed, with the reason that the system gave.
package struct SystemError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried, and on what: `read /etc/hosts`.
    package let operation: String
    /// `errno`.
    package let number: Int32

    package init(_ operation: String, number: Int32) {
        self.operation = operation
        self.number = number
    }

    /// The system's words: `No such file or directory`.
    package var reason: String { String(cString: strerror(number)) }

    package var description: String {
        // The one that people can do something about, and whose cause lies elsewhere.
        let isFull = number == ENOSPC || number == EDQUOT
        return "cannot \(operation): \(reason)" + (isFull ? "; free some space on that disk, then start again" : "")
    }
}
