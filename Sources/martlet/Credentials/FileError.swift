import Glibc

/// A file operation that failed, with the reason the system gave.
struct FileError: Error, CustomStringConvertible {
    let description: String

    /// Reads `errno`: call it right after the operation.
    init(_ operation: String, path: String) {
        let number = errno
        var text = "cannot \(operation) \(path): \(String(cString: strerror(number)))"
        // The one that people can do something about, and whose cause lies elsewhere.
        if number == ENOSPC || number == EDQUOT { text += "; free some space on that disk, then start again" }
        description = text
    }

    /// What is wrong with a file that could be looked at.
    init(_ description: String) { self.description = description }
}
