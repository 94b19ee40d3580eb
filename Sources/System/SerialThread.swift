internal import Synchronization

/// A thread that carries out work that blocks, one piece after the other, for tasks that wait for it without blocking.
///
/// Everything that the work opens or starts belongs where the thread was made: its network namespace, for one.
package final class SerialThread: Sendable {
    private let queue: Queue
    private let thread: BackgroundThread

    package init(name: String) throws(SystemError) {
        let queue = Queue()
        self.queue = queue
        thread = try BackgroundThread(name: name) { queue.workThrough() }
    }

    /// Ends the thread after the work that was handed over.
    deinit {
        queue.add(nil)
        thread.detach()
    }

    /// Carries `work` out on the thread.
    package func perform<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in queue.add { continuation.resume(returning: work()) } }
    }

    private final class Queue: Sendable {
        /// Nil is the end.
        private let pending = Mutex<[(@Sendable () -> Void)?]>([])
        private let signal = ThreadSignal()

        func add(_ work: (@Sendable () -> Void)?) {
            pending.withLock { $0.append(work) }
            signal.raise()
        }

        func workThrough() {
            while true {
                signal.wait()
                let taken = pending.withLock { pending in
                    defer { pending = [] }
                    return pending
                }
                for work in taken {
                    guard let work else { return }
                    work()
                }
            }
        }
    }
}
