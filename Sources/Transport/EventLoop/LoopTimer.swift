internal import Synchronization

/// A scheduled piece of work on an ``EventLoop``; keep it to cancel it. Dropping it does not cancel.
package final class LoopTimer: Sendable {
    private enum State: UInt8, AtomicRepresentable {
        case waiting, fired, cancelled
    }

    let deadline: MonotonicTime
    private let state = Atomic<State>(.waiting)
    private let work: Mutex<(@Sendable () -> Void)?>

    init(deadline: MonotonicTime, work: @escaping @Sendable () -> Void) {
        self.deadline = deadline
        self.work = Mutex(work)
    }

    /// Callable from any thread, any number of times. On the loop's own thread the work is certain not to run
    /// afterwards; elsewhere it may be running already. What the work captured is released here.
    package func cancel() {
        let (changed, _) = state.compareExchange(
            expected: .waiting, desired: .cancelled, ordering: .acquiringAndReleasing)
        guard changed else { return }
        let captured = work.withLock { work in
            let captured = work
            work = nil
            return captured
        }
        _ = captured
    }

    var isCancelled: Bool { state.load(ordering: .acquiring) == .cancelled }

    func fire() {
        let (changed, _) = state.compareExchange(
            expected: .waiting, desired: .fired, ordering: .acquiringAndReleasing)
        guard changed else { return }
        let work = work.withLock { work in
            let taken = work
            work = nil
            return taken
        }
        work?()
    }
}
