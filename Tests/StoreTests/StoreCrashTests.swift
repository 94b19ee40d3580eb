import Store
import Testing

/// `kill -9` of a process that writes (`Tests/StoreCrashWriter`), over and over on one store.
@Suite("A store whose process is killed") struct StoreCrashTests {
    private struct Acknowledged: Equatable {
        let revision: Revision
        let key: String
        let value: String?
    }

    @Test(.timeLimit(.minutes(3)))
    func `nothing acknowledged is lost`() async throws {
        let folder = try TemporaryFolder()
        var generator = SystemRandomNumberGenerator()
        var last = Revision.initial
        var acknowledgedInAll = 0
        for round in 0..<15 {
            let acknowledged = try killedRun(folder, after: Int.random(in: 20...250, using: &generator))
            let revisions = acknowledged.map(\.revision)
            #expect(revisions == revisions.sorted())
            acknowledgedInAll += acknowledged.count

            let store = try SQLiteStore(folder.configuration(durability: .disk))
            try verify(acknowledged, store, startedAfter: last, round: round)
            last = store.currentRevision
            store.close()
        }
        #expect(acknowledgedInAll > 100)
    }

    private func verify(
        _ acknowledged: [Acknowledged], _ store: SQLiteStore, startedAfter last: Revision, round: Int
    ) throws {
        #expect(store.currentRevision >= acknowledged.last?.revision ?? last, "round \(round)")
        // All that history keeps, in order and without a gap.
        let start = store.compactedRevision
        let events = try store.events(prefix: "/", after: max(start, .initial), limit: 1_000_000).events
        let expected = Int(store.currentRevision.rawValue - max(start, .initial).rawValue)
        #expect(events.map(\.revision.rawValue) == (0..<expected).map { max(start, .initial).rawValue + Int64($0) + 1 })
        let byRevision = Dictionary(uniqueKeysWithValues: events.map { ($0.revision, $0) })
        for write in acknowledged where write.revision > start {
            let event = byRevision[write.revision]
            #expect(event?.key == write.key, "round \(round)")
            #expect((event?.kind == .deleted) == (write.value == nil))
            if let value = write.value { #expect(event?.value == Array(value.utf8)) }
        }
        // The current state is the last acknowledged write of each key, or a later one that was not answered in time.
        var state: [String: Acknowledged] = [:]
        for write in acknowledged { state[write.key] = write }
        for (key, write) in state {
            let current = try store.get(key)
            if let current, current.modRevision > write.revision { continue }
            if current == nil, events.contains(where: { $0.key == key && $0.revision > write.revision }) { continue }
            #expect(
                current.map { String(decoding: $0.value, as: UTF8.self) } == write.value, "\(key) in round \(round)")
        }
        // From any acknowledged revision on, history replayed over the state then gives the state now.
        for write in acknowledged.filter({ $0.revision >= start }).shuffled().prefix(3) {
            let then = try store.list(prefix: "/", after: nil, limit: nil, at: write.revision)
            var replayed = Dictionary(uniqueKeysWithValues: then.items.map { ($0.key, $0.value) })
            for event in events where event.revision > write.revision {
                replayed[event.key] = event.kind == .deleted ? nil : event.value
            }
            let now = try store.list(prefix: "/", after: nil, limit: nil, at: nil)
            #expect(replayed == Dictionary(uniqueKeysWithValues: now.items.map { ($0.key, $0.value) }))
        }
    }

    /// Runs the writer, kills it once it has reported `count` writes, and gives all that it reported.
    private func killedRun(_ folder: TemporaryFolder, after count: Int) throws -> [Acknowledged] {
        let writer = try WriterProcess(folder.storePath)
        var bytes: [UInt8] = []
        var lines = 0
        while lines < count {
            let more = writer.read()
            if more.isEmpty { break }
            lines += more.count { $0 == UInt8(ascii: "\n") }
            bytes += more
        }
        writer.kill()
        while true {
            let more = writer.read()
            if more.isEmpty { break }
            bytes += more
        }
        writer.reap()
        return try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            let words = line.split(separator: " ")
            let revision = try #require(Int64(words[0]), "\(line)")
            return Acknowledged(
                revision: Revision(revision), key: String(words[1]), value: words[2] == "-" ? nil : String(words[2]))
        }
    }
}
