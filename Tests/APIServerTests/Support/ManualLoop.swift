import KubeModel
import Synchronization
import Transport

@testable import APIServer

/// A loop of keepers whose time passes when a test says so: jobs run at once on a thread of their own, jobs for later when
/// their time has come.
final class ManualLoop: WorkQueue {
    private struct State {
        var milliseconds: Int64 = 0
        var number = 0
        var waiting: [Int: (due: Int64, job: @Sendable () -> Void)] = [:]
    }

    private final class Waiting: ScheduledWork {
        private let loop: ManualLoop
        private let number: Int

        init(_ loop: ManualLoop, _ number: Int) {
            self.loop = loop
            self.number = number
        }

        func cancel() { loop.state.withLock { $0.waiting[number] = nil } }
    }

    private let state = Mutex(State())
    private let start = Timestamp.now.secondsSinceEpoch
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop.group(count: 1, name: "manual")[0]
    }

    deinit { loop.stop() }

    var clock: KeeperClock {
        KeeperClock(
            now: { [self] in Timestamp(secondsSinceEpoch: start + seconds) }, seconds: { [self] in seconds })
    }

    private var seconds: Int64 { state.withLock { $0.milliseconds } / 1000 }

    var isCurrent: Bool { loop.isCurrent }

    /// How long the jobs for later have to wait still, in milliseconds, the shortest first.
    var delays: [Int64] {
        state.withLock { state in state.waiting.values.map { $0.due - state.milliseconds }.sorted() }
    }

    func run(_ job: @escaping @Sendable () -> Void) { loop.execute(job) }

    func run(afterMilliseconds delay: Int, _ job: @escaping @Sendable () -> Void) -> any ScheduledWork {
        let number = state.withLock { state in
            state.number += 1
            state.waiting[state.number] = (state.milliseconds + Int64(delay), job)
            return state.number
        }
        return Waiting(self, number)
    }

    /// Lets time pass. What has become due has run when this returns, but not what follows from it.
    func advance(byMilliseconds milliseconds: Int64) async {
        let due = state.withLock { state in
            state.milliseconds += milliseconds
            let now = state.milliseconds
            let due = state.waiting.filter { $0.value.due <= now }.sorted {
                ($0.value.due, $0.key) < ($1.value.due, $1.key)
            }
            for (number, _) in due { state.waiting[number] = nil }
            return due.map(\.value.job)
        }
        for job in due { loop.execute(job) }
        await settle()
    }

    /// Returns when every job has run that is due.
    func settle() async {
        await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
    }
}
