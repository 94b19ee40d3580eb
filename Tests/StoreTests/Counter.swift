import Synchronization

/// Counts answers and tells how many were good when the last is in.
final class Counter: Sendable {
    private let state: Mutex<(left: Int, good: Int)>
    private let finish: @Sendable (Int) -> Void

    init(to count: Int, _ finish: @escaping @Sendable (Int) -> Void) {
        state = Mutex((count, 0))
        self.finish = finish
    }

    func add(_ isGood: Bool) {
        let (left, good) = state.withLock { state in
            state.left -= 1
            state.good += isGood ? 1 : 0
            return state
        }
        if left == 0 { finish(good) }
    }
}
