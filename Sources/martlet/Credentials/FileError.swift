import Glibc

/// A file operation that failed, with the reason the system gave.
struct FileError: Error, CustomStringConvertible {
    let description: String

    /// Reads `errno`: call it right after the operation.
    init(_ operation: String, path: String) {
        description = "cannot \(operation) \(path): \(String(cString: strerror(errno)))"
    }
}
