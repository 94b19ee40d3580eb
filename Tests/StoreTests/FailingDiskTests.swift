import CFailingDisk
import Foundation
import Store
import Synchronization
import Testing

/// A disk that fails on command (`Tests/CFailingDisk`): what was acknowledged stays, what was refused did not happen, and
/// the store says what is wrong until it is over.
@Suite("A store on a disk that fails")
struct FailingDiskTests {
    private final class Disk: Sendable {
        let folder: TemporaryFolder
        let changes = Mutex<[StoreHealth]>([])

        init() throws {
            folder = try TemporaryFolder()
            try #require(failing_disk_register() == 0)
        }

        deinit {
            for suffix in ["", "-wal"] { failing_disk_set(folder.storePath + suffix, FAILING_DISK_NONE, 0, 0) }
        }

        func open() throws -> SQLiteStore {
            var configuration = folder.configuration(durability: .disk)
            configuration.vfs = "failing"
            configuration.retryInterval = .milliseconds(1)
            configuration.checkpointPages = 20
            configuration.onHealthChange = { [weak self] health in self?.changes.withLock { $0.append(health) } }
            return try SQLiteStore(configuration)
        }

        func fail(_ suffix: String, _ fault: failing_disk_fault, after: Int64 = 0, count: Int64 = -1) {
            #expect(failing_disk_set(folder.storePath + suffix, fault, after, count) == 0)
        }

        func mend() {
            fail("-wal", FAILING_DISK_NONE)
        }
    }

    @Test(arguments: [FAILING_DISK_SYNC, FAILING_DISK_SHORT_WRITE, FAILING_DISK_FULL])
    func `a write whose commit fails did not happen, and the next one succeeds`(_ fault: failing_disk_fault)
        async throws
    {
        let disk = try Disk()
        let store = try disk.open()
        try await store.create("/k/before", "1")
        let revision = store.currentRevision
        disk.fail("-wal", fault, count: 1)
        let failure = await code { try await store.create("/k/failed", String(repeating: "v", count: 3000)) }
        #expect(failure != nil)
        #expect(store.currentRevision == revision)
        #expect(try store.get("/k/failed") == nil)
        // The revision of a write that did not happen is the next one's.
        #expect(try await store.create("/k/after", "2").revision == revision.next)
        await eventually { store.health.isGood }
        store.close()
        let again = try disk.open()
        #expect(try again.keys("/k/") == ["/k/after", "/k/before"])
    }

    @Test func `the store is unwell while every fsync fails, and well again by itself`() async throws {
        let disk = try Disk()
        let store = try disk.open()
        disk.fail("-wal", FAILING_DISK_SYNC)
        for number in 0..<3 {
            guard case .io = await code({ try await store.create("/k/\(number)", "x") }) else {
                Issue.record("acknowledged without an fsync")
                continue
            }
        }
        // What was told: between two writes the store may have found that it can write again.
        await eventually {
            disk.changes.withLock { $0.contains { $0.troubles[.writing]?.contains("failed") ?? false } }
        }
        disk.mend()
        await eventually { store.health.isGood }
        #expect(disk.changes.withLock { $0.map(\.isGood) }.last == true)
        #expect(try store.keys("/k/") == [])
    }

    /// Every operation of the write-ahead log fails once, one after the other; none may lose or invent anything.
    @Test(arguments: [FAILING_DISK_SYNC, FAILING_DISK_SHORT_WRITE, FAILING_DISK_FULL], ["-wal", ""])
    func `wherever the disk fails once, history is what was acknowledged`(
        _ fault: failing_disk_fault, _ file: String
    ) async throws {
        let disk = try Disk()
        var acknowledged: [String: String] = [:]
        for place in 0..<24 {
            let store = try disk.open()
            disk.fail(file, fault, after: Int64(place), count: 2)
            for number in 0..<12 {
                let key = "/k/\(number)"
                let value = "\(place)-" + String(repeating: "v", count: 500 * number)
                let isNew = acknowledged[key] == nil
                let failure = await code {
                    if isNew { try await store.create(key, value) } else { try await store.update(key, value) }
                }
                if failure == nil { acknowledged[key] = value }
            }
            disk.fail(file, FAILING_DISK_NONE)
            #expect(try state(store) == acknowledged, "place \(place)")
            store.close()
        }
        let store = try disk.open()
        #expect(try state(store) == acknowledged)
        let events = try store.events(prefix: "/", after: .initial, limit: 10_000).events
        #expect(events.map(\.revision.rawValue) == (0..<Int64(events.count)).map { $0 + 2 })
        #expect(events.last?.revision == store.currentRevision)
    }

    @Test func `a log that cannot be carried over is told, and is when it can`() async throws {
        let disk = try Disk()
        let store = try disk.open()
        disk.fail("", FAILING_DISK_FULL)
        for number in 0..<10 { try await store.create("/k/\(number)", String(repeating: "v", count: 20_000)) }
        await eventually { store.health.troubles[.checkpoint] != nil }
        disk.fail("", FAILING_DISK_NONE)
        try await store.create("/k/more", "x")
        await eventually { store.health.isGood }
        #expect(try store.keys("/k/").count == 11)
    }

    @Test func `a read that fails is an error, never an empty answer`() async throws {
        let disk = try Disk()
        let store = try disk.open()
        for number in 0..<50 { try await store.create("/k/\(number)", String(repeating: "v", count: 5000)) }
        disk.fail("", FAILING_DISK_READ)
        #expect(await code { _ = try store.list(prefix: "/k/", after: nil, limit: nil, at: nil) } != nil)
        disk.fail("", FAILING_DISK_NONE)
        #expect(try store.keys("/k/").count == 50)
    }

    private func state(_ store: SQLiteStore) throws -> [String: String] {
        let items = try store.list(prefix: "/", after: nil, limit: nil, at: nil).items
        #expect(items.allSatisfy { $0.isIntact })
        return Dictionary(uniqueKeysWithValues: items.map { ($0.key, String(decoding: $0.value, as: UTF8.self)) })
    }
}
