import Glibc
import System

/// Keeps other processes from rewriting the machine's resolver at the same time; it ends with the value, or the process.
struct HostWiringLock: ~Copyable {
    /// Looks for the lock, 20 ms apart: who has it needs a moment.
    private static let attempts = 50

    private let descriptor: Int32

    /// - Parameter path: a file that only root reaches, made where there is none; it stays.
    /// - Throws: also when somebody keeps it for a second.
    init(path: String) throws(SystemError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard opened >= 0 else { throw SystemError("lock \(path)", number: errno) }
        for attempt in 1...Self.attempts {
            if flock(opened, LOCK_EX | LOCK_NB) == 0 {
                descriptor = opened
                return
            }
            let number = errno
            guard number == EWOULDBLOCK || number == EINTR, attempt < Self.attempts else {
                close(opened)
                throw SystemError("lock \(path)", number: number)
            }
            usleep(20_000)
        }
        close(opened)
        throw SystemError("lock \(path)", number: EWOULDBLOCK)
    }

    deinit { close(descriptor) }
}
