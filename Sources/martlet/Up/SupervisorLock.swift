import Glibc
import System

/// Keeps a second `martlet up` out of a data directory. The kernel releases it when the process ends, however it ends.
struct SupervisorLock: ~Copyable {
    private let descriptor: Int32

    init(_ directory: DataDirectory) throws {
        let opened = open(directory.supervisorLock, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw SystemError("open \(directory.supervisorLock)", number: errno) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            let holder =
                try FileBytes.readIfPresent(directory.supervisorLock).map { String(decoding: $0, as: UTF8.self) } ?? ""
            close(opened)
            throw CleanExitError("another martlet up (process \(holder)) runs in \(directory.path)")
        }
        // Not before: from here on `deinit` closes it.
        descriptor = opened
        let pid = Array("\(getpid())".utf8)
        _ = ftruncate(descriptor, 0)
        _ = pid.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
    }

    deinit { close(descriptor) }
}
