internal import Passwords
internal import Synchronization
internal import System

/// Compares passwords with their hashes, which takes long by design, away from the loops: on a few threads for all of them, which
/// begin with the first password.
final class PasswordChecker: Sendable {
    /// A password that is to be checked.
    struct Check: Sendable {
        var password: [UInt8]
        var hash: PasswordHash
        /// Afterwards nobody waits for it: then it is not begun.
        var deadline: ContinuousClock.Instant
        /// Called on a thread of the checker, once.
        var tell: @Sendable (Bool) -> Void
    }

    private struct State {
        var queue = PasswordQueue<Check>()
        var workers: [BoundedWorker] = []
        /// Those that have nothing to do.
        var idle: [Int] = []
    }

    private let most: Int
    private let state = Mutex(State())

    /// - Parameter threads: how many there are at most; half of the machine's processors without it.
    init(threads: Int? = nil) { most = threads ?? max(1, min(4, Processors.count / 2)) }

    /// Has a password checked; nil when it will be.
    ///
    /// - Parameters:
    ///   - users: what it is checked against.
    ///   - client: a number for who asks.
    func submit(_ check: Check, against users: PasswordFile, of client: UInt64) -> PasswordQueue<Check>.Refusal? {
        state.withLock { state in
            if state.idle.isEmpty, state.workers.count < most {
                // Without a thread there are those that are there, or nobody is let in.
                if let worker = try? BoundedWorker(name: "passwords", capacity: 2) {
                    state.idle.append(state.workers.count)
                    state.workers.append(worker)
                }
            }
            if state.workers.isEmpty { return .ofAll }
            if let refusal = state.queue.add(check, to: ObjectIdentifier(users), of: client) { return refusal }
            if let index = state.idle.popLast() {
                let isTaken = state.workers[index].submit { [self] in work(index) }
                if !isTaken { state.idle.append(index) }
            }
            return nil
        }
    }

    private func work(_ index: Int) {
        while let check = next(index) {
            check.tell(ContinuousClock.now < check.deadline && check.hash.matches(check.password))
        }
    }

    /// The next check; none left makes the thread idle.
    private func next(_ index: Int) -> Check? {
        state.withLock { state in
            let check = state.queue.next()
            if check == nil { state.idle.append(index) }
            return check
        }
    }
}
