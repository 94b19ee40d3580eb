import Glibc
import Synchronization

/// The processes the tests have started and not yet seen end; what is left when the test program exits is killed.
enum LiveProcesses {
    private static let pids = Mutex<Set<pid_t>>([])
    private static let registration: Void = {
        atexit { LiveProcesses.killAll() }
    }()

    static func insert(_ pid: pid_t) {
        _ = registration
        pids.withLock { _ = $0.insert(pid) }
    }

    static func remove(_ pid: pid_t) {
        pids.withLock { _ = $0.remove(pid) }
    }

    private static func killAll() {
        pids.withLock { pids in
            for pid in pids { kill(pid, SIGKILL) }
            pids.removeAll()
        }
    }
}
