import Glibc
package import System

/// Why the store did not do what was asked.
package struct StoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: Sendable, Equatable {
        /// A create found the key, last written at `current`.
        case exists(current: Revision)
        /// A precondition named another revision than the key's last write, `current`.
        case conflict(current: Revision)
        case notFound
        /// The revision asked for is older than the history kept, which starts after the revision given.
        case compacted(Revision)
        /// The revision asked for has not been reached; the store stands at the one given.
        case future(current: Revision)
        /// Another process has the store open.
        case inUse
        /// A key or value that no store takes: an empty key, a NUL in it, a value over the limit.
        case invalid
        /// The store was closed.
        case closed
        /// The disk, or the limit set on the store's size, is full. Nothing was written.
        case full
        /// The file is not a store, is damaged, or is of a later version.
        case corrupt
        /// Acknowledged writes are missing from the files, which were left as they are.
        case lost
        /// The row of the revision given is not what was written.
        case damaged(Revision)
        /// Input or output failed, with the backend's own number (SQLite's extended result code, or errno). The
        /// outcome of a write is unknown only if the machine or process dies before the next write succeeds.
        case io(Int32)
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package init(_ error: SystemError) {
        self.init(.io(error.number), error.description)
    }

    package var description: String { message }
}

extension StoreError {
    /// A failed system call.
    init(errno code: Int32, _ action: String) {
        let isFull = code == ENOSPC || code == EDQUOT
        self.init(isFull ? .full : .io(code), "\(action): \(systemMessage(code))")
    }
}
