import Synchronization
import Transport

/// Where writes are worked on that would keep everybody else on their loop waiting: threads that carry no connections
/// (``SenderTurns``).
final class LargeWrites: Sendable {
    /// A sender has half of them.
    static let threads = 4
    /// How long those that have begun may go on once the server stops.
    static let grace: Duration = .seconds(2)

    private struct Job: Sendable {
        let work: @Sendable () -> Void
        let abandon: @Sendable (_ hasBegun: Bool) -> Void
    }

    private struct State {
        var turns = SenderTurns<Job>(threads: LargeWrites.threads)
        var idle = Array(0..<LargeWrites.threads)
        var running: [Int: Job] = [:]
        var isStopping = false

        mutating func begin() -> (thread: Int, job: Job, sender: RequestSender)? {
            guard let thread = idle.last, let (job, sender) = turns.next() else { return nil }
            idle.removeLast()
            running[thread] = job
            return (thread, job, sender)
        }
    }

    let loops: [EventLoop]
    private let state = Mutex(State())

    init() throws(TransportError) {
        loops = try EventLoop.group(count: Self.threads, name: "api-large")
    }

    /// Runs `work` when it is the sender's turn.
    /// - Parameter abandon: called if the server stops before `work` is done. What has begun goes on, and nobody waits for it.
    func run(
        of sender: RequestSender, abandon: @escaping @Sendable (_ hasBegun: Bool) -> Void,
        _ work: @escaping @Sendable () -> Void
    ) {
        let isTaken = state.withLock { state in
            if !state.isStopping { state.turns.add(Job(work: work, abandon: abandon), of: sender) }
            return !state.isStopping
        }
        if isTaken { begin() } else { abandon(false) }
    }

    private func begin() {
        while let (thread, job, sender) = state.withLock({ $0.begin() }) {
            loops[thread].execute {
                job.work()
                self.state.withLock { state in
                    state.turns.end(of: sender)
                    state.running[thread] = nil
                    state.idle.append(thread)
                }
                self.begin()
            }
        }
    }

    /// Takes no more work, and abandons what has not begun; what has is abandoned after `grace`, on `loop`.
    func finish(on loop: EventLoop) {
        let waiting = state.withLock { state in
            state.isStopping = true
            return state.turns.removeWaiting()
        }
        for job in waiting { job.abandon(false) }
        loop.schedule(after: Self.grace) {
            for job in self.state.withLock({ $0.running.values.map(\.self) }) { job.abandon(true) }
        }
    }

    func stop() {
        for loop in loops { loop.stop() }
    }
}
