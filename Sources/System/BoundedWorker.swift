import Synchronization

/// A thread for work that may block, behind a queue that takes so much and no more. Jobs run one after the other, in the
/// order in which they came. Ends with `stop`, or when nobody holds it any more.
package final class BoundedWorker: Sendable {
    private let queue: JobQueue
    private let thread: BackgroundThread
    private let isJoined = Atomic(false)

    /// - Parameter capacity: how many jobs wait at most.
    /// - Throws: when the system has no thread to give.
    package init(name: String, capacity: Int) throws(SystemError) {
        let queue = JobQueue(capacity: capacity)
        self.queue = queue
        thread = try BackgroundThread(name: name) { queue.run() }
    }

    deinit {
        queue.close()
        if !isJoined.load(ordering: .relaxed) { thread.detach() }
    }

    /// Runs `job` on the worker's thread; false when the queue is full or the worker is stopped: then it never runs.
    package func submit(_ job: @escaping @Sendable () -> Void) -> Bool {
        queue.append(job)
    }

    /// Takes no more jobs, and returns when those that were taken are done; from a job, at once.
    package func stop() {
        queue.close()
        guard !isJoined.exchange(true, ordering: .relaxed) else { return }
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    private final class JobQueue: Sendable {
        private struct State {
            var jobs: [@Sendable () -> Void] = []
            var isClosed = false
        }

        private let capacity: Int
        private let state = Mutex(State())
        private let signal = ThreadSignal()

        init(capacity: Int) {
            self.capacity = capacity
        }

        func append(_ job: @escaping @Sendable () -> Void) -> Bool {
            let isTaken = state.withLock { state in
                guard !state.isClosed, state.jobs.count < capacity else { return false }
                state.jobs.append(job)
                return true
            }
            if isTaken { signal.raise() }
            return isTaken
        }

        func close() {
            state.withLock { $0.isClosed = true }
            signal.raise()
        }

        func run() {
            while true {
                let (job, isClosed) = state.withLock { state in
                    (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isClosed)
                }
                if let job { job() } else if isClosed { return } else { signal.wait() }
            }
        }
    }
}
