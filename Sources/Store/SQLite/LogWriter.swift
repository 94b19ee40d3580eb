/// The writing connection: applies writes to the log inside transactions.
final class LogWriter: @unchecked Sendable {
    // Sendable: after `init` it is used by the writer's thread only.
    private let connection: SQLiteConnection
    private let begin: SQLiteStatement
    private let commit: SQLiteStatement
    private let selectLast: SQLiteStatement
    private let insert: SQLiteStatement
    private let deleteReplaced: SQLiteStatement
    private let deleteTombstones: SQLiteStatement
    private let setProgress: SQLiteStatement
    private let lock: StoreLockFile
    private let checkpointer: LogCheckpointer

    /// The last revision in the log at opening.
    let openedAt: Revision
    let openedCompacted: Revision
    let openedCleaned: Revision

    /// Opens the log, making it if the file is empty; `lock` is held as long as the log is open.
    init(_ configuration: SQLiteStore.Configuration, _ lock: StoreLockFile) throws(StoreError) {
        self.lock = lock
        connection = try SQLiteConnection(path: configuration.path)
        try connection.execute("PRAGMA journal_mode = WAL")
        try connection.execute("PRAGMA synchronous = \(configuration.durability == .disk ? "FULL" : "OFF")")
        try connection.execute("PRAGMA cache_size = -\(configuration.writerCacheKiB)")
        try connection.execute("PRAGMA journal_size_limit = 8388608")
        if let pages = configuration.maximumPages {
            try connection.execute("PRAGMA max_page_count = \(pages)")
        }
        let version = try connection.number("PRAGMA user_version") ?? 0
        if version == 0 {
            try connection.execute("BEGIN IMMEDIATE; \(LogSchema.create) COMMIT")
        } else if version != LogSchema.version {
            throw StoreError(
                .corrupt,
                "\(configuration.path) is a store of format \(version); this server knows \(LogSchema.version)")
        }
        openedAt = Revision(try connection.number(LogSchema.current) ?? 0)
        openedCompacted = Revision(try connection.number(LogSchema.compacted) ?? 0)
        openedCleaned = Revision(try connection.number(LogSchema.cleaned) ?? 0)

        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        selectLast = try connection.prepare(
            """
            SELECT rev, kind, created, value FROM log INDEXED BY log_by_key
            WHERE key = ? ORDER BY rev DESC LIMIT 1
            """)
        insert = try connection.prepare(
            "INSERT INTO log (rev, kind, key, created, previous, value) VALUES (?, ?, ?, ?, ?, ?)")
        deleteReplaced = try connection.prepare(
            """
            DELETE FROM log WHERE rev IN
                (SELECT previous FROM log WHERE rev > ?1 AND rev <= ?2 AND previous IS NOT NULL)
            """)
        deleteTombstones = try connection.prepare(
            "DELETE FROM log NOT INDEXED WHERE rev > ? AND rev <= ? AND kind = \(StoreEvent.Kind.deleted.rawValue)")
        setProgress = try connection.prepare("UPDATE progress SET number = ?2 WHERE name = ?1")
        connection.countLogPages()
        // Last: its thread is to be ended from here on.
        checkpointer = try LogCheckpointer(configuration)
    }

    deinit {
        checkpointer.close()
    }

    /// Runs `body` in a transaction; whatever is thrown undoes all of it.
    func transaction<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        _ = try begin.step()
        do throws(StoreError) {
            let result = try body()
            _ = try commit.step()
            checkpointer.committed(pages: connection.logPages)
            return result
        } catch {
            // SQLite ends the transaction itself after some errors. A rollback that fails leaves it open, and then the
            // next BEGIN fails and says so.
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// Applies one write as `revision` inside a transaction.
    /// - Returns: the event, or why the write's precondition failed.
    /// - Throws: what breaks the whole transaction.
    func apply(_ write: Write, as revision: Revision) throws(StoreError) -> Result<StoreEvent, StoreError> {
        let last = try lastRow(of: write.key)
        if let refusal = refusal(of: write, last: last) { return .failure(refusal) }
        let event =
            switch write {
            case .create(let key, let value):
                StoreEvent(
                    kind: .created, key: key, value: value, previous: nil, revision: revision, createRevision: revision)
            case .update(let key, let value, _):
                StoreEvent(
                    kind: .updated, key: key, value: value, previous: last?.value, revision: revision,
                    createRevision: last?.created ?? revision)
            case .delete(let key, _):
                StoreEvent(
                    kind: .deleted, key: key, value: last?.value ?? [], previous: last?.value, revision: revision,
                    createRevision: last?.created ?? revision)
            }
        try insert.bind(1, revision.rawValue)
        try insert.bind(2, Int64(event.kind.rawValue))
        try insert.bind(3, event.key)
        try insert.bind(4, event.createRevision.rawValue)
        try insert.bind(5, last?.revision.rawValue)
        try insert.bind(6, event.kind == .deleted ? nil : event.value)
        _ = try insert.step()
        return .success(event)
    }

    /// Carries over what was committed since the checkpointer began its last pass, a few pages, so that the log can begin
    /// anew. To be called between transactions, after their writes were answered.
    func finishCheckpoint() {
        guard checkpointer.takeNearlyDone() else { return }
        // What fails is tried again after the next commit, which says itself what is wrong.
        try? connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    }

    /// Makes `compacted` durable, in its own transaction.
    func setCompacted(_ revision: Revision) throws(StoreError) {
        try setProgress("compacted", revision)
    }

    /// Deletes the rows that the revisions after `start` up to `end`, all of them compacted, made useless: what they
    /// replaced, and they themselves where they are deletes. Its own transaction.
    func clean(after start: Revision, through end: Revision) throws(StoreError) {
        try transaction { () throws(StoreError) in
            for statement in [deleteReplaced, deleteTombstones] {
                try statement.bind(1, start.rawValue)
                try statement.bind(2, end.rawValue)
                _ = try statement.step()
            }
            try setProgress("cleaned", end)
        }
    }

    private func setProgress(_ name: String, _ revision: Revision) throws(StoreError) {
        try setProgress.bind(1, name)
        try setProgress.bind(2, revision.rawValue)
        _ = try setProgress.step()
    }

    private struct LastRow {
        let revision: Revision
        let created: Revision
        let value: [UInt8]
    }

    /// The key's last row, unless that is a delete.
    private func lastRow(of key: String) throws(StoreError) -> LastRow? {
        try selectLast.bind(1, key)
        guard try selectLast.step() else { return nil }
        defer { selectLast.reset() }
        guard selectLast.number(1) != Int64(StoreEvent.Kind.deleted.rawValue) else { return nil }
        return LastRow(
            revision: Revision(selectLast.number(0)), created: Revision(selectLast.number(2)),
            value: selectLast.bytes(3))
    }

    private func refusal(of write: Write, last: LastRow?) -> StoreError? {
        switch write {
        case .create(let key, _):
            guard let last else { return nil }
            return StoreError(.exists(current: last.revision), "\(key) exists at revision \(last.revision)")
        case .update(let key, _, let expected), .delete(let key, let expected):
            guard let last else { return StoreError(.notFound, "\(key) not found") }
            guard let expected, expected != last.revision else { return nil }
            return StoreError(
                .conflict(current: last.revision), "\(key) is at revision \(last.revision), not \(expected)")
        }
    }
}
