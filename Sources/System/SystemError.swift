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

    /// Whether there was no room on a disk, or not for this user.
    package var isFullDisk: Bool { number == ENOSPC || number == EDQUOT }

    /// The system's words: `No such file or directory`.
    package var reason: String { String(cString: strerror(number)) }

    package var description: String {
        // The one that people can do something about, and whose cause lies elsewhere.
        "cannot \(operation): \(reason)" + (isFullDisk ? "; free some space on that disk, then start again" : "")
    }
}
