import Synchronization
import Transport

/// Work that left the store's thread goes on on the event loops, in turn.
final class LoopQueue: WorkQueue {
    private let loops: [EventLoop]
    private let next = Atomic(0)

    init(_ loops: [EventLoop]) {
        self.loops = loops
    }

    func run(_ job: @escaping @Sendable () -> Void) {
        loop.execute(job)
    }

    func run(afterMilliseconds delay: Int, _ job: @escaping @Sendable () -> Void) -> any ScheduledWork {
        ScheduledLoopWork(loop.schedule(after: .milliseconds(delay), job))
    }

    private var loop: EventLoop {
        let index = next.add(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: index) % UInt(loops.count))]
    }
}

private final class ScheduledLoopWork: ScheduledWork {
    private let timer: LoopTimer

    init(_ timer: LoopTimer) {
        self.timer = timer
    }

    func cancel() { timer.cancel() }
}
