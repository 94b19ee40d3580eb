import CProcess
import Glibc

/// The child's side of supervision: a process that `martlet up` started ends when `martlet up` is gone, however it went.
enum SupervisedChild {
    /// Names the supervisor's process id in the environment of its children.
    static let environmentKey = "MARTLET_SUPERVISOR"

    /// The supervisor's process id; nil in a process that was started by hand.
    static var supervisor: pid_t? { getenv(environmentKey).flatMap { pid_t(String(cString: $0)) } }

    static func bindToSupervisor() {
        guard let supervisor else { return }
        _ = martlet_set_parent_death_signal(SIGTERM)
        // It may have died between the fork and the line above.
        if getppid() != supervisor { exit(0) }
    }
}
