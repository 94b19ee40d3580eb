import Foundation
import Store
import Synchronization
import Testing

/// A kind of store to run the suite on.
struct StoreBackend: Sendable, CustomTestStringConvertible {
    let name: String
    let open: @Sendable (TemporaryFolder) throws -> any Store

    var testDescription: String { name }

    static let all = [
        StoreBackend(name: "SQLite, fsync") { try SQLiteStore($0.configuration(durability: .disk)) },
        StoreBackend(name: "SQLite, no fsync") { try SQLiteStore($0.configuration()) },
    ]
}

/// What every `Store` promises.
@Suite("What every store promises") struct StoreConformanceTests {
    @Test(arguments: StoreBackend.all)
    func `revisions count writes from one`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        #expect(store.currentRevision == Revision(1))
        #expect(try await store.create("/a", "1").revision == Revision(2))
        #expect(try await store.update("/a", "2").revision == Revision(3))
        let deleted = try await store.delete("/a")
        #expect(deleted == WriteOutcome(revision: Revision(4), createRevision: Revision(2), value: Array("2".utf8)))
        #expect(store.currentRevision == Revision(4))
    }

    @Test(arguments: StoreBackend.all)
    func `preconditions decide`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        #expect(await code { try await store.update("/a", "x") } == .notFound)
        #expect(await code { try await store.delete("/a") } == .notFound)
        let first = try await store.create("/a", "1").revision
        #expect(await code { try await store.create("/a", "2") } == .exists(current: first))
        let second = try await store.update("/a", "2", if: first).revision
        #expect(await code { try await store.update("/a", "3", if: first) } == .conflict(current: second))
        #expect(await code { try await store.delete("/a", if: first) } == .conflict(current: second))
        #expect(try store.text("/a") == "2")
        try await store.delete("/a", if: second)
        #expect(await code { try await store.delete("/a", if: second) } == .notFound)
        let again = try await store.create("/a", "4")
        #expect(again.createRevision == again.revision)
        #expect(store.currentRevision == again.revision, "a refused write takes no revision")
    }

    @Test(arguments: StoreBackend.all)
    func `a refused write in a group leaves the others`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        let outcomes = await withTaskGroup(of: Bool.self) { tasks in
            for number in 0..<300 {
                tasks.addTask { await code { try await store.create("/k/\(number % 100)", "\(number)") } == nil }
            }
            return await tasks.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes == 100)
        #expect(try store.keys("/k/").count == 100)
        #expect(store.currentRevision == Revision(101))
    }

    @Test(arguments: StoreBackend.all)
    func `companions are written with their write or not at all`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        let seen = Mutex<[String]>([])
        let observation = store.observe(prefix: "/") { events in
            seen.withLock { $0 += events.map { "\($0.revision) \($0.kind) \($0.key)" } }
        }
        defer { observation.cancel() }
        func submit(_ write: Write, _ companions: [Write]) async -> Result<WriteOutcome, StoreError> {
            await withCheckedContinuation { continuation in
                store.submit(write, companions: companions) { continuation.resume(returning: $0) }
            }
        }
        let first = await submit(.create(key: "/a", value: [1]), [.create(key: "/b", value: [2])])
        #expect(try first.get().revision == Revision(2), "the answer is about the write itself")
        let refused = await submit(.create(key: "/a", value: []), [.delete(key: "/b", ifRevision: nil)])
        guard case .failure(let error) = refused else {
            Issue.record("a create of a key that is there went through")
            return
        }
        #expect(error.code == .exists(current: Revision(2)))
        #expect(try store.get("/b")?.value == [2], "a companion of a refused write is not written")
        let second = await submit(
            .delete(key: "/a", ifRevision: nil),
            [.create(key: "/b", value: []), .delete(key: "/b", ifRevision: nil), .create(key: "/b", value: [3])])
        #expect(try second.get().revision == Revision(4))
        #expect(try store.get("/b")?.value == [3])
        #expect(store.currentRevision == Revision(6), "a refused companion takes no revision")
        #expect(
            seen.withLock { $0 } == [
                "2 created /a", "3 created /b", "4 deleted /a", "5 deleted /b", "6 created /b",
            ])
    }

    @Test(arguments: StoreBackend.all)
    func `keys must be text`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        #expect(await code { try await store.create("", "1") } == .invalid)
        #expect(await code { try await store.create("/a\0b", "1") } == .invalid)
        try await store.create("/ä", "")
        #expect(try store.text("/ä") == "")
    }

    @Test(arguments: StoreBackend.all)
    func `reads as of a revision`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        try await store.create("/a", "1")  // 2
        try await store.create("/b", "1")  // 3
        try await store.update("/a", "2")  // 4
        try await store.delete("/a")  // 5
        try await store.create("/a", "3")  // 6
        #expect(
            try [1, 2, 3, 4, 5, 6].map { try store.text("/a", at: Revision($0)) } == [nil, "1", "1", "2", nil, "3"])
        #expect(try store.keys("/", at: Revision(5)) == ["/b"])
        #expect(try store.keys("/", at: Revision(4)) == ["/a", "/b"])
        #expect(try store.keys("/") == ["/a", "/b"])
        #expect(try store.get("/a")?.createRevision == Revision(6))
        #expect(await code { _ = try store.get("/a", at: Revision(7)) } == .future(current: Revision(6)))
    }

    @Test(arguments: StoreBackend.all)
    func `lists pages in byte order`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        for key in ["/p/b/1", "/p/a-b/1", "/p/a/2", "/p/a/1", "/q/1", "/p/ä/1", "/p", "/o/z"] {
            try await store.create(key, key)
        }
        let all = ["/p/a-b/1", "/p/a/1", "/p/a/2", "/p/b/1", "/p/ä/1"]
        #expect(try store.keys("/p/") == all)
        #expect(try store.keys("/p/a/") == ["/p/a/1", "/p/a/2"])
        #expect(try store.count(prefix: "/p/", after: "/p/a/1", at: nil) == 3)
        let page = try store.list(prefix: "/p/", after: nil, limit: 2, at: nil)
        #expect(page.isTruncated)
        try await store.delete("/p/a/2")
        #expect(
            try store.keys("/p/", after: page.items.last?.key, limit: 2, at: page.revision) == ["/p/a/2", "/p/b/1"])
        let last = try store.list(prefix: "/p/", after: "/p/b/1", limit: 2, at: page.revision)
        #expect(last.items.map(\.key) == ["/p/ä/1"] && !last.isTruncated)
        #expect(try store.list(prefix: "/p/", after: nil, limit: 4, at: nil).isTruncated == false)
    }

    @Test(arguments: StoreBackend.all)
    func `history tells every write once`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        try await store.create("/a/1", "1")
        try await store.create("/b/1", "x")
        try await store.update("/a/1", "2")
        try await store.delete("/a/1")
        let page = try store.events(prefix: "/a/", after: Revision(1), limit: 100)
        #expect(page.events.map(\.kind) == [.created, .updated, .deleted])
        #expect(page.events.map(\.revision.rawValue) == [2, 4, 5])
        #expect(page.events.map { $0.previous.map { String(decoding: $0, as: UTF8.self) } } == [nil, "1", "2"])
        #expect(page.events[2].value == Array("2".utf8), "a delete tells the last value")
        #expect(page.events.allSatisfy { $0.createRevision == Revision(2) })
        #expect(page.through == Revision(5) && !page.isTruncated)
        let cut = try store.events(prefix: "/a/", after: Revision(1), limit: 2)
        #expect(cut.through == Revision(4) && cut.isTruncated)
        #expect(try store.events(prefix: "/a/", after: cut.through, limit: 2).events.map(\.revision.rawValue) == [5])
        #expect(try store.events(prefix: "/b/", after: Revision(3), limit: 2).through == Revision(5))
        #expect(
            await code { _ = try store.events(prefix: "/", after: Revision(6), limit: 1) }
                == .future(current: Revision(5)))
    }

    @Test(arguments: StoreBackend.all)
    func `compaction keeps the latest live values`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        for number in 0..<50 { try await store.create("/k/\(number)", "0") }  // 2...51
        for number in 0..<50 { try await store.update("/k/\(number)", "1") }  // 52...101
        for number in 0..<25 { try await store.delete("/k/\(number)") }  // 102...126
        try await store.update("/k/30", "2")  // 127
        try store.compact(to: Revision(126))
        #expect(store.compactedRevision == Revision(126))
        try store.compact(to: Revision(100))
        #expect(store.compactedRevision == Revision(126), "compaction never goes back")
        #expect(try store.text("/k/30", at: Revision(126)) == "1")
        #expect(try store.text("/k/30") == "2")
        #expect(try store.keys("/k/").count == 25)
        #expect(await code { _ = try store.get("/k/30", at: Revision(125)) } == .compacted(Revision(126)))
        #expect(await code { _ = try store.keys("/k/", at: Revision(125)) } == .compacted(Revision(126)))
        #expect(
            await code { _ = try store.events(prefix: "/k/", after: Revision(125), limit: 9) }
                == .compacted(Revision(126)))
        let event = try #require(try store.events(prefix: "/k/", after: Revision(126), limit: 9).events.first)
        #expect(event.previous == Array("1".utf8), "the value before the first event kept is kept")
        #expect(await code { try store.compact(to: Revision(128)) } == .future(current: Revision(127)))
    }

    @Test(arguments: StoreBackend.all)
    func `everything survives reopening`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        var store = try backend.open(folder)
        try await store.create("/a", "1")
        try await store.update("/a", "2")
        try await store.create("/b", "1")
        try await store.delete("/b")
        store.close()
        #expect(await code { _ = try store.get("/a") } == .closed)
        #expect(await code { try await store.create("/c", "1") } == .closed)

        store = try backend.open(folder)
        #expect(store.currentRevision == Revision(5))
        #expect(try store.events(prefix: "/", after: Revision(1), limit: 9).events.count == 4)
        // The very last write is a delete whose row compaction removes: its revision must not come again.
        try store.compact(to: Revision(5))
        store.close()

        store = try backend.open(folder)
        #expect(store.currentRevision == Revision(5))
        #expect(store.compactedRevision == Revision(5))
        #expect(try await store.create("/b", "3").revision == Revision(6))
        #expect(try store.text("/a") == "2")
    }

    @Test(arguments: StoreBackend.all)
    func `observers see all in order before the answer`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        let seen = Log()
        let observation = store.observe(prefix: "/a/") { seen.append($0.map(\.revision)) }
        let unseen = Log()
        await withTaskGroup(of: Void.self) { tasks in
            for worker in 0..<8 {
                tasks.addTask {
                    for number in 0..<40 {
                        let prefix = number % 2 == 0 ? "/a/" : "/b/"
                        do {
                            let outcome = try await store.create("\(prefix)\(worker)-\(number)", "x")
                            let isSeen = prefix == "/b/" || seen.contains(outcome.revision)
                            if !isSeen || store.currentRevision < outcome.revision {
                                unseen.append([outcome.revision])
                            }
                        } catch {
                            Issue.record(error)
                        }
                    }
                }
            }
        }
        #expect(unseen.all.isEmpty)
        let revisions = seen.all
        #expect(revisions.count == 160)
        #expect(revisions == revisions.sorted())
        observation.cancel()
        try await store.create("/a/last", "x")
        #expect(seen.all.count == 160)
    }

    @Test(arguments: StoreBackend.all)
    func `reads never see part of the history`(_ backend: StoreBackend) async throws {
        let folder = try TemporaryFolder()
        let store = try backend.open(folder)
        for key in 0..<10 { try await store.create("/k/\(key)", "0") }
        await withTaskGroup(of: Void.self) { tasks in
            for key in 0..<10 {
                tasks.addTask {
                    for number in 1...60 {
                        do { try await store.update("/k/\(key)", "\(number)") } catch { Issue.record(error) }
                    }
                }
            }
            for _ in 0..<3 {
                tasks.addTask {
                    do {
                        for _ in 0..<30 {
                            // A list now must equal the list as of the revision it tells, for good.
                            let page = try store.list(prefix: "/k/", after: nil, limit: nil, at: nil)
                            let again = try store.list(prefix: "/k/", after: nil, limit: nil, at: page.revision)
                            #expect(page.items == again.items)
                            #expect(page.items.map(\.modRevision).max() ?? .zero <= page.revision)
                            await Task.yield()
                        }
                    } catch {
                        Issue.record(error)
                    }
                }
            }
        }
        #expect(store.currentRevision == Revision(611))
    }
}

/// Revisions as an observer saw them.
private final class Log: Sendable {
    private let revisions = Mutex<[Revision]>([])

    func append(_ more: [Revision]) {
        revisions.withLock { $0 += more }
    }

    func contains(_ revision: Revision) -> Bool {
        revisions.withLock { $0.contains(revision) }
    }

    var all: [Revision] { revisions.withLock { $0 } }
}
