import Synchronization

/// Keys that need work, for any number of workers: each key is with at most one of them, repeated additions of a
/// waiting key count once, and a key that changes during its work is handed out again afterwards.
///
/// `add` is immediate: a waiting worker is resumed at once.
public final class WorkQueue<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var keys = WorkQueueState<Key>()
        var retries: RetryLimiter<Key>
        var nextWaiter = 0
        var waiters: [(id: Int, continuation: CheckedContinuation<Key?, Never>)] = []
        /// When delayed keys become due; the earliest time counts.
        var due: [Key: Duration] = [:]
        var timers: [Int: Task<Void, Never>] = [:]
        var nextTimer = 0
    }

    // The mutex protects all of the state; continuations are resumed outside of it.
    private let state: Mutex<State>

    private let clock: MonotonicClock

    /// - Parameter clock: what delays are waited for by.
    public init(retries: RetryLimiter<Key> = RetryLimiter(), clock: MonotonicClock = MonotonicClock()) {
        self.clock = clock
        state = Mutex(State(retries: retries))
    }

    deinit {
        shutDown()
    }

    /// Keys that wait for a worker.
    public var count: Int { state.withLock { $0.keys.count } }

    /// Notes that a key needs work now.
    public func add(_ key: Key) {
        state.withLock { state -> Handover? in
            _ = state.keys.add(key)
            return Self.handover(&state)
        }?.perform()
    }

    /// Notes that a key needs work after a delay. Of several delays the earliest counts.
    public func add(_ key: Key, after delay: Duration) {
        guard delay > .zero else { return add(key) }
        let instant = clock.now + delay
        state.withLock { state in
            guard !state.keys.isShutDown else { return }
            if let earlier = state.due[key], earlier <= instant { return }
            state.due[key] = instant
            state.nextTimer += 1
            let id = state.nextTimer
            state.timers[id] = Task { [weak self, clock] in
                // Cancelled only when the queue shuts down.
                try? await clock.sleep(until: instant)
                self?.timerFired(id, key, instant)
            }
        }
    }

    /// Notes that work on a key failed and is to be tried again after its growing delay.
    public func addAfterFailure(_ key: Key) {
        add(key, after: state.withLock { $0.retries.failed(key) })
    }

    /// Notes that work on a key succeeded, so that its next failure begins with the shortest delay.
    public func forget(_ key: Key) { state.withLock { $0.retries.forget(key) } }

    /// Failures of a key since it was last forgotten.
    public func failureCount(_ key: Key) -> Int { state.withLock { $0.retries.failureCount(key) } }

    /// The next key to work on, as soon as there is one; `done` must follow. Nil when the queue is shut down or the
    /// task is cancelled.
    public func next() async -> Key? {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Key?, Never>) in
                let answer: Key?? = state.withLock { state in
                    if Task.isCancelled || state.keys.isShutDown { return .some(nil) }
                    if let key = state.keys.next() { return .some(key) }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let continuation = state.withLock { state -> CheckedContinuation<Key?, Never>? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else { return nil }
                return state.waiters.remove(at: index).continuation
            }
            continuation?.resume(returning: nil)
        }
    }

    /// Ends the work on a key that `next` returned.
    public func done(_ key: Key) {
        state.withLock { state -> Handover? in
            _ = state.keys.done(key)
            return Self.handover(&state)
        }?.perform()
    }

    /// Ends all waiting; nothing is added or handed out any more.
    public func shutDown() {
        let (waiters, timers) = state.withLock { state in
            state.keys.shutDown()
            defer { (state.waiters, state.timers, state.due) = ([], [:], [:]) }
            return (state.waiters, Array(state.timers.values))
        }
        for timer in timers { timer.cancel() }
        for waiter in waiters { waiter.continuation.resume(returning: nil) }
    }

    private func timerFired(_ id: Int, _ key: Key, _ instant: Duration) {
        let isDue = state.withLock { state in
            state.timers[id] = nil
            // An earlier time was set, and its timer did the work.
            guard state.due[key] == instant else { return false }
            state.due[key] = nil
            return true
        }
        if isDue { add(key) }
    }

    private struct Handover {
        var continuation: CheckedContinuation<Key?, Never>
        var key: Key

        func perform() { continuation.resume(returning: key) }
    }

    /// Pairs a waiting worker with a waiting key.
    private static func handover(_ state: inout State) -> Handover? {
        guard !state.waiters.isEmpty, let key = state.keys.next() else { return nil }
        return Handover(continuation: state.waiters.removeFirst().continuation, key: key)
    }
}
