import Glibc

/// The lock that keeps a second server out of a store: held by the open file, so that it ends with the process however
/// that ends.
final class StoreLockFile: Sendable {
    private let descriptor: Int32

    /// - Throws: `inUse` when another store, in this process or another, holds the lock; `io`.
    init(path: String) throws(StoreError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw StoreError(.io(errno), "cannot open \(path): \(systemMessage(errno))") }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            let owner = StoreLockFile.readOwner(opened)
            Glibc.close(opened)
            guard code == EWOULDBLOCK else {
                throw StoreError(.io(code), "cannot lock \(path): \(systemMessage(code))")
            }
            let process = owner.isEmpty ? "another process" : "process \(owner)"
            throw StoreError(.inUse, "the store is in use by \(process) (lock file \(path))")
        }
        descriptor = opened
        // The number is for people who read the error; the lock holds without it.
        let owner = Array("\(getpid())\n".utf8)
        _ = ftruncate(opened, 0)
        _ = pwrite(opened, owner, owner.count, 0)
    }

    deinit {
        Glibc.close(descriptor)
    }

    private static func readOwner(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(count, 0)).prefix { (0x30...0x39).contains($0) }
        return String(decoding: digits, as: UTF8.self)
    }
}

func systemMessage(_ code: Int32) -> String {
    strerror(code).map { String(cString: $0) } ?? "errno \(code)"
}
