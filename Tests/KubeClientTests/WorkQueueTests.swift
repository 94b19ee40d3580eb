import Logging
import Testing

@testable import KubeClient

@Suite("A work queue hands each key to one worker at a time") struct WorkQueueTests {
    @Test func `a key is queued once and comes back after a change during its work`() {
        var state = WorkQueueState<String>()
        verify(state.add("a"))
        verify(!state.add("a"))
        verify(state.next() == "a")
        verify(state.next() == nil)
        verify(!state.add("a"))
        verify(state.next() == nil)
        verify(state.done("a"))
        verify(state.next() == "a")
        verify(!state.done("a"))
        #expect(state.count == 0)
    }

    @Test func `keys come in order also after many of them`() {
        var state = WorkQueueState<Int>()
        for round in 0..<3 {
            for key in 0..<5000 { verify(state.add(round * 5000 + key)) }
            for key in 0..<4000 {
                let next = state.next()
                if next != round * 4000 + key { #expect(next == round * 4000 + key) }
            }
        }
        #expect(state.count == 3000)
    }

    /// Random operations against a model: no key is with two workers, none that changed is forgotten.
    @Test func `invariants hold under random use`() {
        var random = SystemRandomNumberGenerator()
        var state = WorkQueueState<Int>()
        var working: Set<Int> = []
        var needed: Set<Int> = []
        for _ in 0..<20000 {
            switch Int.random(in: 0..<3, using: &random) {
            case 0:
                let key = Int.random(in: 0..<8, using: &random)
                _ = state.add(key)
                needed.insert(key)
            case 1:
                guard let key = state.next() else {
                    #expect(needed.isSubset(of: working))
                    continue
                }
                #expect(!working.contains(key))
                #expect(needed.contains(key))
                needed.remove(key)
                working.insert(key)
            default:
                guard let key = working.randomElement(using: &random) else { continue }
                working.remove(key)
                _ = state.done(key)
            }
        }
    }

    @Test func `a waiting worker gets the key`() async {
        let queue = WorkQueue<String>()
        async let key = queue.next()
        queue.add("a")
        #expect(await key == "a")
    }

    @Test func `many workers do every key once`() async {
        let queue = WorkQueue<Int>()
        let done = Shared<[Int]>([])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    while let key = await queue.next() {
                        let count = done.withLock {
                            $0.append(key)
                            return $0.count
                        }
                        queue.done(key)
                        if count == 1000 { queue.shutDown() }
                    }
                }
            }
            for key in 0..<1000 { queue.add(key) }
        }
        #expect(done.withLock { $0.sorted() } == Array(0..<1000))
    }

    @Test func `the earliest of several delays counts`() async {
        let clock = ManualClock()
        let queue = WorkQueue<String>(clock: MonotonicClock(clock))
        queue.add("a", after: .seconds(3600))
        queue.add("a", after: .seconds(5))
        #expect(queue.count == 0)
        async let key = queue.next()
        clock.advance(by: .seconds(5))
        #expect(await key == "a")
        queue.shutDown()
    }

    @Test func `cancellation and shutdown end waiting`() async {
        let queue = WorkQueue<String>()
        let task = Task { await queue.next() }
        task.cancel()
        #expect(await task.value == nil)
        let other = Task { await queue.next() }
        queue.shutDown()
        #expect(await other.value == nil)
        queue.add("late")
        #expect(queue.count == 0)
    }

    @Test func `failures wait longer each time up to a limit`() {
        var retries = RetryLimiter<String>(initial: .milliseconds(5), limit: .milliseconds(30))
        let delays = (0..<5).map { _ in retries.failed("a") }
        #expect(delays == [5, 10, 20, 30, 30].map { Duration.milliseconds($0) })
        verify(retries.failed("b") == .milliseconds(5))
        retries.forget("a")
        verify(retries.failed("a") == .milliseconds(5))
    }

    @Test func `delays of a backoff double with jitter`() {
        var backoff = Backoff(initial: .milliseconds(100), limit: .milliseconds(400), jitter: 0.5)
        verify(backoff.next(random: 0) == .milliseconds(100))
        verify(backoff.next(random: 1) == .milliseconds(300))
        verify(backoff.next(random: 0) == .milliseconds(400))
        verify(backoff.next(random: 0) == .milliseconds(400))
        backoff.reset()
        verify(backoff.next(random: 0) == .milliseconds(100))
    }

    @Test func `a reconciler that throws is called again until it succeeds`() async throws {
        struct Trouble: Error {}
        let queue = WorkQueue<String>(retries: RetryLimiter(initial: .milliseconds(1)))
        let calls = Shared(0)
        let loop = ControllerLoop(
            name: "test", queue: queue, workers: 2, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        ) { _ in
            let count = calls.withLock { calls in
                calls += 1
                return calls
            }
            if count < 4 { throw Trouble() }
            return count < 6 ? .again(after: .milliseconds(1)) : .settled
        }
        try await withBackground({ try await loop.run() }) {
            queue.add("a")
            try await eventually { calls.withLock { $0 } == 6 }
            try await eventually { queue.failureCount("a") == 0 }
        }
    }
}
