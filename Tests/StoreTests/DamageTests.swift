import Foundation
import Testing

@testable import Store

/// Files that are not what was written.
@Suite("A store whose files are damaged")
struct DamageTests {
    /// A store that was killed: its log was not carried over.
    private func killed(_ writes: Int, value: String = "value") async throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        var configuration = folder.configuration(durability: .disk)
        configuration.checkpointPages = 100_000
        let store = try SQLiteStore(configuration)
        for number in 0..<writes { try await store.create("/k/\(number)", "\(value) \(number)") }
        let copy = try TemporaryFolder()
        for suffix in ["", "-wal", "-mark"] {
            try FileManager.default.copyItem(atPath: folder.storePath + suffix, toPath: copy.storePath + suffix)
        }
        store.close()
        return copy
    }

    private func edit(_ path: String, _ change: (inout Data) -> Void) throws {
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        change(&bytes)
        try bytes.write(to: URL(fileURLWithPath: path))
    }

    private func refusal(_ folder: TemporaryFolder) -> StoreError? {
        do {
            try SQLiteStore(folder.configuration()).close()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a store that was killed opens with everything acknowledged`() async throws {
        let folder = try await killed(60)
        let store = try SQLiteStore(folder.configuration())
        #expect(try store.keys("/k/").count == 60)
    }

    @Test(arguments: [0.0, 0.25, 0.5, 0.9])
    func `a log that was cut is refused, and left as it is`(_ part: Double) async throws {
        let folder = try await killed(60)
        let log = folder.storePath + "-wal"
        try edit(log) { $0 = $0.prefix(Int(Double($0.count) * part)) }
        let before = try Data(contentsOf: URL(fileURLWithPath: log))
        let error = try #require(refusal(folder))
        #expect(error.code == .lost)
        #expect(error.message.contains("revision 61 were acknowledged"), "\(error)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: log)) == before)
        #expect(refusal(folder)?.code == .lost, "asked again, it says the same")
    }

    @Test(arguments: [0.0, 0.5, 1.0])
    func `a store whose mark is gone is refused with the mend, whatever its log has`(_ part: Double) async throws {
        let folder = try await killed(60)
        try edit(folder.storePath + "-wal") { $0 = $0.prefix(Int(Double($0.count) * part)) }
        try FileManager.default.removeItem(atPath: folder.storePath + "-mark")
        for _ in 0..<2 {
            let error = try #require(refusal(folder))
            #expect(error.code == .lost)
            #expect(error.message.contains("-mark is missing or empty"), "\(error)")
            #expect(error.message.hasSuffix("echo accept > \(folder.storePath)-mark"))
        }
        try Data("accept\n".utf8).write(to: URL(fileURLWithPath: folder.storePath + "-mark"))
        #expect(refusal(folder) == nil)
        #expect(refusal(folder) == nil, "from then on it has a mark")
    }

    @Test(arguments: [false, true])
    func `a log with a flipped bit is refused, with the mark and without it`(_ hasMark: Bool) async throws {
        let folder = try await killed(60)
        if !hasMark { try FileManager.default.removeItem(atPath: folder.storePath + "-mark") }
        try edit(folder.storePath + "-wal") { $0[$0.count / 2] ^= 4 }
        let error = try #require(refusal(folder))
        #expect(error.code == .lost)
        #expect(error.message.contains("-wal"))
    }

    @Test func `an empty or missing file beside a log is refused, and the log stays`() async throws {
        let folder = try await killed(10)
        try edit(folder.storePath) { $0 = Data() }
        #expect(refusal(folder)?.code == .lost)
        try FileManager.default.removeItem(atPath: folder.storePath)
        let error = try #require(refusal(folder))
        #expect(error.code == .lost && error.message.contains("is empty or missing"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder.storePath + "-wal")).count > 10_000)
        try FileManager.default.removeItem(atPath: folder.storePath + "-wal")
        #expect(refusal(folder)?.code == .lost, "the mark alone says that something was there")
    }

    @Test func `what an operator accepts is taken`() async throws {
        let folder = try await killed(60)
        try edit(folder.storePath + "-wal") { $0 = $0.prefix($0.count / 2) }
        let error = try #require(refusal(folder))
        // The mend that the message names, as a shell would do it.
        let mark = try #require(error.message.components(separatedBy: "echo accept > ").last)
        try Data("accept\n".utf8).write(to: URL(fileURLWithPath: mark))
        let store = try SQLiteStore(folder.configuration())
        let left = try store.keys("/k/").count
        #expect(left > 10 && left < 60)
        try await store.create("/k/more", "x")
        store.close()
        #expect(refusal(folder) == nil)
    }

    @Test func `an older copy of the file under a newer mark is refused`() async throws {
        let folder = try await killed(5)
        try Data("00000000000000000900\n".utf8).write(to: URL(fileURLWithPath: folder.storePath + "-mark"))
        #expect(refusal(folder)?.code == .lost)
        try Data("gibberish".utf8).write(to: URL(fileURLWithPath: folder.storePath + "-mark"))
        #expect(refusal(folder)?.code == .lost)
    }

    @Test func `revisions that are missing in history are noticed`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration())
        for number in 0..<20 { try await store.create("/k/\(number)", "x") }
        store.close()
        try sql(folder, "DELETE FROM log WHERE rev = 9")
        let error = try #require(refusal(folder))
        #expect(error.code == .lost && error.message.contains("1 of the revisions"))
    }

    @Test func `a bad value is told as such, named by health, and gone with its key`() async throws {
        let folder = try TemporaryFolder()
        var store = try SQLiteStore(folder.configuration())
        for number in 0..<5 { try await store.create("/k/\(number)", "value \(number)") }
        store.close()
        try sql(folder, "UPDATE log SET value = CAST('valuX 3' AS BLOB) WHERE key = '/k/3'")

        store = try SQLiteStore(folder.configuration())
        #expect(store.health.isGood, "nobody has looked")
        let items = try store.list(prefix: "/k/", after: nil, limit: nil, at: nil).items
        #expect(items.filter { !$0.isIntact }.map(\.key) == ["/k/3"])
        #expect(try store.get("/k/3")?.isIntact == false)
        #expect(try store.get("/k/2")?.isIntact == true)
        #expect(store.health.damaged.map(\.key) == ["/k/3"])
        #expect(store.health.problems == ["the value of /k/3, written at revision 5, is damaged"])
        #expect(
            await code { _ = try store.events(prefix: "/k/", after: .initial, limit: 100) } == .damaged(Revision(5)))
        #expect(try store.events(prefix: "/k/", after: Revision(5), limit: 100).events.count == 1)

        let seen = EventLog()
        let observation = store.observe(prefix: "/") { seen.add($0) }
        try await store.delete("/k/3")
        #expect(seen.all.map(\.isIntact) == [false])
        #expect(seen.all.map(\.previous) == [nil])
        #expect(store.health.isGood)
        observation.cancel()
        #expect(try store.keys("/k/") == ["/k/0", "/k/1", "/k/2", "/k/4"])
    }

    @Test(arguments: ["kind = 1", "created = 2", "previous = 2", "checksum = checksum + 1", "value = x''"])
    func `every column of a row is covered by its checksum`(_ change: String) async throws {
        let folder = try TemporaryFolder()
        var store = try SQLiteStore(folder.configuration())
        try await store.create("/k/a", "1")
        try await store.create("/k/b", "2")
        store.close()
        try sql(folder, "UPDATE log SET \(change) WHERE key = '/k/b'")
        store = try SQLiteStore(folder.configuration())
        #expect(try store.get("/k/b")?.isIntact == false)
        #expect(try store.get("/k/a")?.isIntact == true)
    }

    @Test func `pages that are no pages are refused with the mend`() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(folder.configuration())
        for number in 0..<200 { try await store.create("/k/\(number)", String(repeating: "v", count: 2000)) }
        store.close()
        try edit(folder.storePath) { bytes in bytes.replaceSubrange(4096..<12288, with: Data(count: 8192)) }
        let error = try #require(refusal(folder))
        #expect(error.code == .corrupt || error.code == .lost)
        #expect(error.message.contains(".recover") || error.message.contains("accept"), "\(error)")
    }

    @Test func `a file of the first version gets checksums and learns to shrink`() async throws {
        let folder = try TemporaryFolder()
        let old = """
            PRAGMA journal_mode = WAL;
            CREATE TABLE log (rev INTEGER PRIMARY KEY, kind INTEGER NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL,
                previous INTEGER, value BLOB);
            CREATE INDEX log_by_key ON log (key, rev, kind);
            CREATE TABLE progress (name TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO progress VALUES ('compacted', 0), ('cleaned', 0);
            WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1301)
                INSERT INTO log SELECT i, 0, '/k/' || i, i, NULL, CAST('value ' || i AS BLOB) FROM n;
            INSERT INTO log VALUES (1302, 1, '/k/2', 2, 2, CAST('new' AS BLOB)), (1303, 2, '/k/3', 3, 3, NULL);
            PRAGMA user_version = 1;
            """
        try sql(folder, old)
        let store = try SQLiteStore(folder.configuration())
        let items = try store.list(prefix: "/k/", after: nil, limit: nil, at: nil).items
        #expect(items.count == 1299 && items.allSatisfy { $0.isIntact })
        #expect(try store.events(prefix: "/", after: .initial, limit: 5000).events.count == 1302)
        #expect(try await store.create("/k/3", "again").revision == Revision(1304))
        store.close()
        #expect(try number(folder, "PRAGMA auto_vacuum") == 2)
        #expect(try number(folder, "PRAGMA user_version") == 2)
        #expect(refusal(folder) == nil)
    }

    private func sql(_ folder: TemporaryFolder, _ statements: String) throws {
        if !FileManager.default.fileExists(atPath: folder.storePath) {
            #expect(FileManager.default.createFile(atPath: folder.storePath, contents: nil))
        }
        try SQLiteConnection(path: folder.storePath).execute(statements)
    }

    private func number(_ folder: TemporaryFolder, _ query: String) throws -> Int64? {
        try SQLiteConnection(path: folder.storePath).number(query)
    }
}
