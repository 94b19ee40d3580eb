import Synchronization

/// Calls `done` when a number of things have finished, from the thread of the last one.
final class PendingCount: Sendable {
    private let count: Atomic<Int>
    private let done: @Sendable () -> Void

    init(_ count: Int, _ done: @escaping @Sendable () -> Void) {
        self.count = Atomic(count)
        self.done = done
    }

    func finishOne() {
        if count.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { done() }
    }
}
