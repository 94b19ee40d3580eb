import Foundation
import Store
import Testing

@Suite("The store in a SQLite file") struct SQLiteStoreTests {
    @Test func `a second opener is turned away until the first closes`() async throws {
        let folder = try TemporaryFolder()
        let first = try SQLiteStore(folder.configuration())
        do {
            _ = try SQLiteStore(folder.configuration())
            Issue.record("opened twice")
        } catch {
            #expect(error.code == .inUse)
            #expect("\(error)".contains("in use by process \(getpid())"))
        }
        first.close()
        let second = try SQLiteStore(folder.configuration())
        #expect(try await second.create("/a", "1").revision == Revision(2))
    }

    @Test func `files are for their owner only`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration())
        try await store.create("/secret", "x")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        #expect(files.count == 6)
        for file in files {
            let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/" + file)
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600, "\(file)")
        }
    }

    @Test func `opening tells what is wrong`() async throws {
        let folder = try TemporaryFolder()
        #expect(
            await code { _ = try SQLiteStore(SQLiteStore.Configuration(path: folder.path + "/no/store.db")) }
                == .io(ENOENT))
        try Data(repeating: 0x78, count: 8192).write(to: URL(fileURLWithPath: folder.storePath))
        #expect(await code { _ = try SQLiteStore(folder.configuration()) } == .corrupt)
    }

    @Test func `a full disk refuses writes and keeps the acknowledged`() async throws {
        let folder = try TemporaryFolder()
        var configuration = folder.configuration()
        configuration.maximumPages = 60
        let store = try SQLiteStore(configuration)
        let value = String(repeating: "v", count: 2000)
        let acknowledged = await withTaskGroup(of: String?.self) { tasks in
            for number in 0..<200 {
                tasks.addTask {
                    let failure = await code { try await store.create("/k/\(number)", value) }
                    if failure == nil { return "/k/\(number)" }
                    #expect(failure == .full)
                    return nil
                }
            }
            return await tasks.reduce(into: Set<String>()) { keys, key in if let key { keys.insert(key) } }
        }
        #expect(acknowledged.count > 20 && acknowledged.count < 150)
        #expect(try Set(store.keys("/k/")) == acknowledged)
        #expect(store.currentRevision == Revision(Int64(acknowledged.count) + 1))
        store.close()

        // As full as before, and nobody has to write to hear of it.
        let full = try SQLiteStore(configuration)
        await eventually { full.health.troubles[.space] != nil }
        full.close()
        configuration.maximumPages = nil
        let reopened = try SQLiteStore(configuration)
        #expect(try Set(reopened.keys("/k/")) == acknowledged)
        #expect(try await reopened.create("/more", value).revision == Revision(Int64(acknowledged.count) + 2))
    }

    @Test(.timeLimit(.minutes(2)))
    func `the file shrinks behind compactions, step by step`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration())
        let value = String(repeating: "v", count: 4000)
        for number in 0..<2000 { try await store.create("/k/\(number)", value) }
        for number in 1..<2000 { try await store.delete("/k/\(number)") }
        try store.compact(to: store.currentRevision)
        // Carried over and cut off with the writes that follow.
        try await eventually {
            try await store.update("/k/0", value)
            try store.compact(to: store.currentRevision)
            return try #require(try fileSize(folder.storePath)) < 3 << 20
        }
        #expect(try store.keys("/") == ["/k/0"])
        #expect(store.history.revisions == 0)
        store.close()
        #expect(try SQLiteStore(folder.configuration()).keys("/") == ["/k/0"])
    }

    @Test func `history is counted across openings`() async throws {
        let folder = try TemporaryFolder()
        var store = try SQLiteStore(folder.configuration())
        try await store.create("/k", "1234")
        try await store.update("/k", "12345678")
        #expect(store.history == StoreHistory(revisions: 2, bytes: 12, garbageBytes: 4))
        store.close()
        store = try SQLiteStore(folder.configuration())
        #expect(store.history == StoreHistory(revisions: 2, bytes: 12, garbageBytes: 4))
        try store.compact(to: Revision(2))
        #expect(store.history == StoreHistory(revisions: 1, bytes: 6, garbageBytes: 4))
    }

    @Test func `queued writes share commits`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration(durability: .disk))
        await withTaskGroup(of: Void.self) { tasks in
            for number in 0..<500 {
                tasks.addTask { #expect(await code { try await store.create("/k/\(number)", "x") } == nil) }
            }
        }
        #expect(store.commitCount < 400)
    }

    @Test func `closing answers everything queued`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration(durability: .disk))
        let answers = await withCheckedContinuation { continuation in
            let count = Counter(to: 200) { continuation.resume(returning: $0) }
            for number in 0..<200 {
                store.submit(.create(key: "/k/\(number)", value: [])) { count.add((try? $0.get()) != nil) }
            }
            store.close()
        }
        #expect(answers == 200)
    }

    private func fileSize(_ path: String) throws -> Int? {
        (try FileManager.default.attributesOfItem(atPath: path)[.size] as? NSNumber)?.intValue
    }
}
