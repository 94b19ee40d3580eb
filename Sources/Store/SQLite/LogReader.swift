/// A reading connection: each call sees one committed moment of the log, while writes go on.
final class LogReader: @unchecked Sendable {
    // Sendable: whoever took the reader out of the pool is the only one to use it.
    private let connection: SQLiteConnection
    private let begin: SQLiteStatement
    private let end: SQLiteStatement
    private let selectBounds: SQLiteStatement
    private let selectAt: SQLiteStatement
    private let selectVersions: SQLiteStatement
    private let selectRow: SQLiteStatement
    private let selectEvents: SQLiteStatement
    private let health: HealthRecord

    /// A page with a limit ends behind this many bytes too: objects may have a megabyte each.
    private static let pageBytes = 4 << 20

    init(_ configuration: SQLiteStore.Configuration, _ health: HealthRecord) throws(StoreError) {
        self.health = health
        connection = try SQLiteConnection(path: configuration.path, vfs: configuration.vfs)
        try connection.execute("PRAGMA query_only = ON")
        try connection.execute("PRAGMA cache_size = -\(configuration.readerCacheKiB)")
        begin = try connection.prepare("BEGIN")
        end = try connection.prepare("COMMIT")
        selectBounds = try connection.prepare("SELECT (\(LogSchema.current)), (\(LogSchema.compacted))")
        selectAt = try connection.prepare(
            """
            SELECT rev, kind, created, previous, value, checksum FROM log INDEXED BY log_by_key
            WHERE key = ? AND rev <= ? ORDER BY rev DESC LIMIT 1
            """)
        selectVersions = try connection.prepare(
            """
            SELECT key, rev, kind FROM log INDEXED BY log_by_key
            WHERE key >= ? AND key < ? ORDER BY key, rev
            """)
        selectRow = try connection.prepare(
            "SELECT rev, kind, created, previous, value, checksum FROM log WHERE rev = ?")
        selectEvents = try connection.prepare(
            """
            SELECT l.rev, l.kind, l.created, l.previous, l.value, l.checksum, l.key,
                p.rev, p.kind, p.created, p.previous, p.value, p.checksum
            FROM log l NOT INDEXED LEFT JOIN log p ON p.rev = l.previous
            WHERE l.rev > ? AND l.key >= ? AND l.key < ? ORDER BY l.rev LIMIT ?
            """)
    }

    func get(_ key: String, at revision: Revision?) throws(StoreError) -> StoredValue? {
        try snapshot(at: revision) { revision throws(StoreError) in
            try selectAt.bind(1, key)
            try selectAt.bind(2, revision.rawValue)
            guard try selectAt.step() else { return nil }
            let row = LogRow(selectAt)
            let isIntact = row.isIntact(key: key)
            let value = row.isDelete ? nil : row.value(key: key, isIntact: isIntact)
            selectAt.reset()
            if !isIntact { try noteDamage(key, row.revision) }
            return value
        }
    }

    func list(
        prefix: String, after: String?, limit: Int?, at revision: Revision?
    ) throws(StoreError) -> ValuePage {
        try snapshot(at: revision) { revision throws(StoreError) in
            var items: [StoredValue] = []
            var byteCount = 0
            var isTruncated = false
            try scan(prefix: prefix, after: after, at: revision) { key, modified throws(StoreError) in
                if let limit, items.count >= limit || byteCount >= Self.pageBytes {
                    isTruncated = true
                    return false
                }
                items.append(try value(of: key, at: modified))
                byteCount += items[items.count - 1].value.count
                return true
            }
            return ValuePage(items: items, revision: revision, isTruncated: isTruncated)
        }
    }

    func count(prefix: String, after: String?, at revision: Revision?) throws(StoreError) -> Int {
        try snapshot(at: revision) { revision throws(StoreError) in
            var count = 0
            try scan(prefix: prefix, after: after, at: revision) { _, _ in
                count += 1
                return true
            }
            return count
        }
    }

    func events(prefix: String, after start: Revision, limit: Int) throws(StoreError) -> EventPage {
        try transaction { () throws(StoreError) in
            let (current, compacted) = try bounds()
            try check(start, current: current, compacted: compacted)
            var events: [StoreEvent] = []
            try selectEvents.bind(1, start.rawValue)
            try selectEvents.bind(2, prefix)
            try selectEvents.bind(3, upperBound(of: prefix))
            try selectEvents.bind(4, Int64(limit))
            var byteCount = 0
            var isTruncated = false
            defer { selectEvents.reset() }
            while try selectEvents.step() {
                let event = try readEvent()
                events.append(event)
                byteCount += event.value.count + (event.previous?.count ?? 0)
                isTruncated = events.count >= limit || byteCount >= Self.pageBytes
                if isTruncated { break }
            }
            return EventPage(
                events: events, through: isTruncated ? events.last?.revision ?? start : current,
                isTruncated: isTruncated)
        }
    }

    private func value(of key: String, at revision: Revision) throws(StoreError) -> StoredValue {
        try selectRow.bind(1, revision.rawValue)
        guard try selectRow.step() else {
            throw StoreError(.corrupt, "store: row \(revision) of \(key) is in the index only")
        }
        let row = LogRow(selectRow)
        let isIntact = row.isIntact(key: key)
        let value = row.value(key: key, isIntact: isIntact)
        selectRow.reset()
        if !isIntact { try noteDamage(key, revision) }
        return value
    }

    /// Notes a bad row, if it is the key's present state: only then is something to be done about it.
    private func noteDamage(_ key: String, _ revision: Revision) throws(StoreError) {
        try selectAt.bind(1, key)
        try selectAt.bind(2, Int64.max)
        let isCurrent = try selectAt.step() && selectAt.number(0) == revision.rawValue
        selectAt.reset()
        if isCurrent { health.noteDamage(key, revision) }
    }

    /// - Throws: `damaged`: what comes after a bad event can't be told without it.
    private func readEvent() throws(StoreError) -> StoreEvent {
        let row = LogRow(selectEvents)
        let key = selectEvents.text(6)
        guard let kind = StoreEvent.Kind(rawValue: Int32(truncatingIfNeeded: row.kind)) else {
            throw StoreError(.damaged(row.revision), "store: revision \(row.revision) is of no known kind")
        }
        let replaced = row.previous == nil ? nil : LogRow(selectEvents, from: 7)
        guard row.isIntact(key: key), replaced?.isIntact(key: key) ?? true else {
            throw StoreError(
                .damaged(row.revision), "store: the event of revision \(row.revision), of \(key), is damaged")
        }
        let previous = replaced.map { Array($0.borrowedValue) }
        return StoreEvent(
            kind: kind, key: key, value: kind == .deleted ? previous ?? [] : Array(row.borrowedValue),
            previous: previous, revision: row.revision, createRevision: row.created)
    }

    /// Calls `found` for each key of the range that lives at `revision`, with its last write, until it says `false`.
    ///
    /// One pass over the index: the versions of a key lie together, oldest first.
    private func scan(
        prefix: String, after: String?, at revision: Revision,
        _ found: (String, Revision) throws(StoreError) -> Bool
    ) throws(StoreError) {
        // Keys have no NUL, so this is the first text that can follow `after`.
        try selectVersions.bind(1, after.map { max($0 + "\0", prefix) } ?? prefix)
        try selectVersions.bind(2, upperBound(of: prefix))
        defer { selectVersions.reset() }
        var key: [UInt8] = []
        var last: (revision: Revision, kind: Int64)?

        func finishKey() throws(StoreError) -> Bool {
            guard let last, last.kind != Int64(StoreEvent.Kind.deleted.rawValue) else { return true }
            return try found(String(decoding: key, as: UTF8.self), last.revision)
        }

        while try selectVersions.step() {
            let rowRevision = Revision(selectVersions.number(1))
            guard rowRevision <= revision else { continue }
            let rowKey = selectVersions.borrowedBytes(0)
            if !rowKey.elementsEqual(key) {
                guard try finishKey() else { return }
                key.removeAll(keepingCapacity: true)
                key.append(contentsOf: rowKey)
            }
            last = (rowRevision, selectVersions.number(2))
        }
        _ = try finishKey()
    }

    /// Every text that begins with `prefix` is below this one.
    private func upperBound(of prefix: String) -> String {
        prefix + "\u{10FFFF}"
    }

    /// Runs `body` on one committed moment, with the revision to read at.
    private func snapshot<T>(
        at revision: Revision?, _ body: (Revision) throws(StoreError) -> T
    ) throws(StoreError) -> T {
        try transaction { () throws(StoreError) in
            let (current, compacted) = try bounds()
            let revision = revision ?? current
            try check(revision, current: current, compacted: compacted)
            return try body(revision)
        }
    }

    private func transaction<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        _ = try begin.step()
        do throws(StoreError) {
            let result = try body()
            _ = try end.step()
            return result
        } catch {
            // Nothing was written; a failure to end shows at the next BEGIN.
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// Reads first in every transaction: it fixes the moment, and what is compacted in that moment is what its rows lack.
    private func bounds() throws(StoreError) -> (current: Revision, compacted: Revision) {
        guard try selectBounds.step() else { throw StoreError(.corrupt, "store: no bounds") }
        defer { selectBounds.reset() }
        return (Revision(selectBounds.number(0)), Revision(selectBounds.number(1)))
    }

    private func check(_ revision: Revision, current: Revision, compacted: Revision) throws(StoreError) {
        if revision < compacted {
            throw StoreError(.compacted(compacted), "revision \(revision) is compacted: history starts at \(compacted)")
        }
        if revision > current {
            throw StoreError(.future(current: current), "revision \(revision) is ahead of the store, at \(current)")
        }
    }
}
