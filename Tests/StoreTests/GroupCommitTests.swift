import Foundation
import Store
import Synchronization
import System
import Testing

/// How long a write waits: for the commit that runs when it comes and for the one that it is in, so for two fsyncs.
@Suite("Writes in groups, each with one fsync") struct GroupCommitTests {
    /// Holds the writer's thread inside a commit, as a slow disk would.
    private final class Hold: Sendable {
        let entered = ThreadSignal()
        let release = ThreadSignal()
        private let observation = Mutex<Observation?>(nil)

        init(_ store: SQLiteStore) {
            let observation = store.observe(prefix: "/hold") { [entered, release] _ in
                entered.raise()
                release.wait()
            }
            self.observation.withLock { $0 = observation }
        }
    }

    @Test(arguments: [1, 32, 500])
    func `what comes during a commit is in the next one`(_ writes: Int) async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration())
        try await store.create("/k/taken", "0")
        let hold = Hold(store)
        store.submit(.create(key: "/hold/1", value: [])) { _ in }
        hold.entered.wait()
        let running = store.commitCount
        let order = Mutex<[Int64]>([])
        let good = await withCheckedContinuation { continuation in
            let answers = Counter(to: writes + 1) { continuation.resume(returning: $0) }
            // One that is refused costs the others nothing.
            store.submit(.create(key: "/k/taken", value: [])) {
                if case .success = $0 { answers.add(true) } else { answers.add(false) }
            }
            for number in 0..<writes {
                store.submit(.create(key: "/k/\(number)", value: [1])) { result in
                    if let outcome = try? result.get() { order.withLock { $0.append(outcome.revision.rawValue) } }
                    answers.add((try? result.get()) != nil)
                }
            }
            #expect(order.withLock { $0.isEmpty }, "answered before it is on disk")
            hold.release.raise()
        }
        #expect(good == writes)
        #expect(store.commitCount == running + 1)
        #expect(order.withLock { $0 } == Array(4..<Int64(4 + writes)), "answered in the order of their revisions")
    }

    @Test func `a wake-up that is held back comes with the next write when patience is over`() async throws {
        let folder = try TemporaryFolder()
        var configuration = folder.configuration()
        let held = Mutex(0)
        // Never calls what it is given.
        configuration.waking = { _ in held.withLock { $0 += 1 } }
        let store = try SQLiteStore(configuration)
        let good = await withCheckedContinuation { continuation in
            let answers = Counter(to: 2) { continuation.resume(returning: $0) }
            // Three, since the writer may find the first by itself when it has only begun.
            for number in 1...3 {
                store.submit(.create(key: "/k/\(number)", value: [1])) { answers.add((try? $0.get()) != nil) }
                // Longer than the store's patience.
                usleep(5000)
            }
        }
        #expect(good == 2)
        #expect(held.withLock { $0 } >= 1)
    }

    @Test func `a long queue is cut into groups`() async throws {
        let folder = try TemporaryFolder()
        var configuration = folder.configuration()
        configuration.maximumGroup = 10
        let store = try SQLiteStore(configuration)
        let hold = Hold(store)
        store.submit(.create(key: "/hold/1", value: [])) { _ in }
        hold.entered.wait()
        let running = store.commitCount
        let good = await withCheckedContinuation { continuation in
            let answers = Counter(to: 45) { continuation.resume(returning: $0) }
            for number in 0..<45 {
                store.submit(.create(key: "/k/\(number)", value: [1])) { answers.add((try? $0.get()) != nil) }
            }
            hold.release.raise()
        }
        #expect(good == 45)
        #expect(store.commitCount == running + 5)
    }

    /// The header's counter grows each time the log is written from its start again.
    @Test(.timeLimit(.minutes(2)))
    func `the log begins anew while writes never pause`() async throws {
        let folder = try TemporaryFolder()
        var configuration = folder.configuration()
        configuration.checkpointPages = 20
        let store = try SQLiteStore(configuration)
        let value = String(repeating: "v", count: 10_000)
        try await store.create("/k/first", value)
        let beginnings = try counter(folder)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for writer in 0..<4 {
                tasks.addTask {
                    try await store.create("/k/\(writer)", value)
                    while !Task.isCancelled { try await store.update("/k/\(writer)", value) }
                }
            }
            try await eventually { try counter(folder) >= beginnings + 3 }
            tasks.cancelAll()
        }
        store.close()
        let again = try SQLiteStore(folder.configuration())
        #expect(try again.count(prefix: "/k/", after: nil, at: nil) == 5)
    }

    /// The checkpoint sequence number in the log's header.
    private func counter(_ folder: TemporaryFolder) throws -> UInt32 {
        let header = try FileHandle(forReadingFrom: URL(fileURLWithPath: folder.storePath + "-wal")).read(upToCount: 16)
        return try #require(header).suffix(4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}
