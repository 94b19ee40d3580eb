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
    private let settleStatement: SQLiteStatement
    private let selectReplacedSizes: SQLiteStatement
    private let freePages: SQLiteStatement
    private let countPages: SQLiteStatement
    private let files: StoreFiles
    private let checkpointer: LogCheckpointer
    private let health: HealthRecord
    private let pageLimit: Int?
    private var isMarkBehind = false
    /// Pages over the limit that writes which make room may use.
    private let reservePages: Int

    /// The last revision in the log at opening.
    let openedAt: Revision
    let openedCompacted: Revision
    let openedCleaned: Revision
    /// Bytes of all values in history at opening.
    let openedHistoryBytes: Int64
    /// Of these, what only history needs.
    let openedGarbageBytes: Int64
    /// Room on the disk for writes that make room.
    let reserve: SpaceReserve

    /// Opens the log, making it if the file is empty.
    /// - Parameter files: what was found beside it; its lock is held as long as the log is open.
    init(
        _ configuration: SQLiteStore.Configuration, _ files: StoreFiles, _ health: HealthRecord,
        _ reserve: SpaceReserve
    ) throws(StoreError) {
        self.files = files
        self.health = health
        self.reserve = reserve
        pageLimit = configuration.maximumPages
        connection = try SQLiteConnection(path: configuration.path, vfs: configuration.vfs)
        // Until everything is checked, nothing of the log may be lost with the last connection.
        try connection.keepsLog(true)
        let isNew = try connection.number("PRAGMA page_count") == 0
        // What a file is to be is asked for before its first page is written.
        if isNew { try connection.execute("PRAGMA auto_vacuum = INCREMENTAL") }
        try connection.execute("PRAGMA journal_mode = WAL")
        try connection.execute("PRAGMA synchronous = \(configuration.durability == .disk ? "FULL" : "OFF")")
        try connection.execute("PRAGMA cache_size = -\(configuration.writerCacheKiB)")
        try connection.execute("PRAGMA journal_size_limit = 8388608")
        try connection.execute("PRAGMA wal_autocheckpoint = 0")
        // The distribution's SQLite writes zeros over every page that becomes free: on a full disk the deletion of a large
        // value would need as much room in the log as the value had.
        try connection.execute("PRAGMA secure_delete = FAST")
        if try connection.number("PRAGMA user_version") ?? 0 > 0 {
            try files.check(try Self.end(connection))
        } else {
            // Made, and then cut to before its first commit, or new.
            try files.check(StoreFiles.LogEnd(current: .initial, cleaned: .zero, historyRows: 0, historyBytes: 0))
        }
        try LogMigration(connection: connection, path: configuration.path).run()
        let end = try Self.end(connection)
        openedAt = end.current
        openedHistoryBytes = end.historyBytes
        openedGarbageBytes = try connection.number(LogSchema.garbage) ?? 0
        openedCompacted = Revision(try connection.number(LogSchema.compacted) ?? 0)
        openedCleaned = end.cleaned
        try files.mark.begin(at: openedAt)
        try connection.keepsLog(false)
        reservePages = configuration.reserveBytes / StoreFiles.pageBytes

        begin = try connection.prepare("BEGIN IMMEDIATE")
        commit = try connection.prepare("COMMIT")
        selectLast = try connection.prepare(
            """
            SELECT rev, kind, created, previous, value, checksum FROM log INDEXED BY log_by_key
            WHERE key = ? ORDER BY rev DESC LIMIT 1
            """)
        insert = try connection.prepare(
            "INSERT INTO log (rev, kind, key, created, previous, value, checksum) VALUES (?, ?, ?, ?, ?, ?, ?)")
        deleteReplaced = try connection.prepare(
            """
            DELETE FROM log WHERE rev IN
                (SELECT previous FROM log WHERE rev > ?1 AND rev <= ?2 AND previous IS NOT NULL)
            """)
        deleteTombstones = try connection.prepare(
            "DELETE FROM log NOT INDEXED WHERE rev > ? AND rev <= ? AND kind = \(StoreEvent.Kind.deleted.rawValue)")
        setProgress = try connection.prepare("UPDATE progress SET number = ?2 WHERE name = ?1")
        settleStatement = try connection.prepare("UPDATE progress SET number = number WHERE name = 'cleaned'")
        selectReplacedSizes = try connection.prepare(
            """
            SELECT new.rev, ifnull(length(old.value), 0) FROM log new NOT INDEXED JOIN log old ON old.rev = new.previous
            WHERE new.rev > ? AND new.rev <= ? ORDER BY new.rev
            """)
        freePages = try connection.prepare("PRAGMA freelist_count")
        countPages = try connection.prepare("PRAGMA page_count")
        connection.countLogPages(from: files.committedFrames)
        // Last: its thread is to be ended from here on.
        checkpointer = try LogCheckpointer(configuration, files.mark, health)
        try allowReserve(false)
    }

    deinit {
        checkpointer.close()
        files.mark.sync()
    }

    /// What the log says of its own end.
    private static func end(_ connection: SQLiteConnection) throws(StoreError) -> StoreFiles.LogEnd {
        let current = Revision(try connection.number(LogSchema.current) ?? 0)
        let cleaned = Revision(try connection.number(LogSchema.cleaned) ?? 0)
        let history = try connection.prepare(LogSchema.history)
        guard try history.step() else { throw StoreError(.corrupt, "store: no history") }
        return StoreFiles.LogEnd(
            current: current, cleaned: cleaned, historyRows: history.number(0), historyBytes: history.number(1))
    }

    /// Runs `body` in a transaction; whatever is thrown undoes all of it.
    func transaction<T>(_ body: () throws(StoreError) -> T) throws(StoreError) -> T {
        _ = try begin.step()
        do throws(StoreError) {
            let result = try body()
            _ = try commit.step()
            wakeCheckpointer()
            return result
        } catch {
            // SQLite ends the transaction itself after some errors. A rollback that fails leaves it open, and then the
            // next BEGIN fails and says so.
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw error
        }
    }

    /// Applies one write as `revision` inside a transaction.
    /// - Parameter isShort: whether room is short, so that what makes its key's value larger is refused.
    /// - Returns: the event, or why the write's precondition failed.
    /// - Throws: what breaks the whole transaction.
    func apply(
        _ write: Write, as revision: Revision, isShort: Bool = false
    ) throws(StoreError) -> Result<StoreEvent, StoreError> {
        let last = try lastRow(of: write.key)
        if let refusal = refusal(of: write, last: last) { return .failure(refusal) }
        if isShort, Self.growth(of: write, last: last) > Self.neutralGrowth {
            return .failure(StoreError(.full, "there is no room for larger or more values"))
        }
        let event =
            switch write {
            case .create(let key, let value):
                StoreEvent(
                    kind: .created, key: key, value: value, previous: nil, revision: revision, createRevision: revision)
            case .update(let key, let value, _):
                StoreEvent(
                    kind: .updated, key: key, value: value, previous: last?.intactValue, revision: revision,
                    createRevision: last?.created ?? revision)
            case .delete(let key, _):
                StoreEvent(
                    kind: .deleted, key: key, value: last?.value ?? [], previous: last?.intactValue, revision: revision,
                    createRevision: last?.created ?? revision, isIntact: last?.isIntact ?? true)
            }
        try insert.bind(1, revision.rawValue)
        try insert.bind(2, Int64(event.kind.rawValue))
        try insert.bind(3, event.key)
        try insert.bind(4, event.createRevision.rawValue)
        try insert.bind(5, last?.revision.rawValue)
        let value = event.kind == .deleted ? nil : event.value
        try insert.bind(6, value)
        let checksum = RowChecksum(
            revision: revision, kind: Int64(event.kind.rawValue), created: event.createRevision,
            previous: last?.revision)
        try insert.bind(7, checksum.over(key: event.key, value: value ?? []))
        _ = try insert.step()
        return .success(event)
    }

    /// Notes that everything up to `revision` is on disk. To be called before its writes are answered.
    func acknowledge(_ revision: Revision) {
        do throws(StoreError) {
            try files.mark.set(revision)
            if isMarkBehind { health.set(.mark, nil) }
            isMarkBehind = false
        } catch {
            isMarkBehind = true
            health.set(.mark, "how far writes were acknowledged is not noted: \(error)")
        }
    }

    /// Carries over what was committed since the checkpointer began its last pass, a few pages, so that the log can begin
    /// anew. To be called between transactions, after their writes were answered.
    func finishCheckpoint() {
        if isDiskNearlyFull { return emptyLog() }
        guard checkpointer.takeNearlyDone() else { return }
        checkpointer.notingUnlessBusy(carryOver)
    }

    /// Whether the checkpointer is behind and the disk has less room than the log would need to be carried over beside it.
    /// Then the writer waits for that, lest neither the log nor the database file find room for the rest of it.
    private var isDiskNearlyFull: Bool {
        guard checkpointer.isDue(pages: connection.logPages) else { return false }
        return reserve.freeBytesBeside < Int(connection.logPages) * StoreFiles.pageBytes
    }

    /// Carries the log over as far as readers let it. What fails is told by `health`, and tried again after later commits.
    func checkpoint() {
        checkpointer.noting(carryOver)
    }

    private func carryOver() throws(StoreError) { try connection.execute("PRAGMA wal_checkpoint(PASSIVE)") }

    /// Carries everything over and gives the log's own room back, waiting for readers of older moments, and makes the reserve
    /// as large as can be. For when room is short: what the database file has to grow by comes out of the reserve, if it
    /// has to, and returns with the log's.
    func emptyLog() {
        checkpointer.emptying { () throws(StoreError) in
            while true {
                do throws(StoreError) {
                    return try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                } catch {
                    guard error.code == .full else { throw error }
                    guard files.trimLog(frames: connection.logPages) || reserve.release() else { throw error }
                }
            }
        }
        reserve.regain()
    }

    // MARK: Room

    /// Turns a piece of the reserve into room of the log; it returns when the log has been emptied.
    /// - Returns: whether there was one left.
    func lendReserve() -> Bool {
        let before = reserve.held
        guard reserve.release() else { return false }
        files.extendLog(by: before - reserve.held)
        return true
    }

    /// Where a group that takes so many bytes in the log finds its room.
    func source(of bytes: Int) throws(StoreError) -> WriteRoom.Source {
        let beside = reserve.freeBytesBeside
        // Nearly always: nothing is asked of the file.
        if beside / 2 >= bytes + Int(connection.logPages) * StoreFiles.pageBytes { return .disk }
        return WriteRoom(
            besideReserve: beside, insideFile: try bytesInside(),
            pendingGrowth: max(0, Int(try number(countPages)) * StoreFiles.pageBytes - files.databaseBytes),
            reserve: reserve.held
        ).source(of: bytes)
    }

    private func bytesInside() throws(StoreError) -> Int { Int(try number(freePages)) * StoreFiles.pageBytes }

    /// What is kept free inside the file, so that writes go on when others take all that was given back.
    private var insideWanted: Int { reserve.wanted / 2 }

    /// Whether the reserve and the free pages inside the file are enough to go on with, whatever the disk has.
    func hasRoomInside() throws(StoreError) -> Bool {
        reserve.regain()
        guard pageLimit == nil, reserve.isEnough else { return false }
        return try bytesInside() >= insideWanted && insideWanted > 0
    }

    private func wakeCheckpointer() {
        // Where room is scarce the writer does it, with the reserve's help.
        if !isDiskNearlyFull { checkpointer.committed(pages: connection.logPages) }
    }

    /// Commits nothing, so that whatever a failed commit left behind in the log is overwritten.
    /// - Throws: when the disk still fails.
    func settle() throws(StoreError) {
        try transaction { () throws(StoreError) in _ = try settleStatement.step() }
    }

    /// Lets writes go over the limit of pages, or not.
    func allowReserve(_ isAllowed: Bool) throws(StoreError) {
        guard let pageLimit else { return }
        try connection.execute("PRAGMA max_page_count = \(pageLimit + (isAllowed ? reservePages : 0))")
    }

    /// Whether there is room for more than what is held back for writes that make room. Takes back what of that was let
    /// go of.
    func hasRoom() throws(StoreError) -> Bool {
        if let pageLimit {
            let used = try number(countPages) - number(freePages)
            guard used + min(64, Int64(pageLimit) / 8) <= Int64(pageLimit) else { return false }
        }
        return reserve.isRoomBeside()
    }

    /// Gives pages at the file's end back, a few: the file becomes shorter with the next checkpoint. Some are kept, for what
    /// is written next.
    /// - Parameter isShort: whether as few are kept as may be.
    /// - Returns: whether there are more to give back.
    func shrink(isShort: Bool) throws(StoreError) -> Bool {
        let free = try number(freePages)
        // A file of a few megabytes is not worth the writing.
        let usual = isShort ? 0 : max(256, try number(countPages) / 8)
        let kept = max(usual, Int64(insideWanted / StoreFiles.pageBytes) + Self.shrinkingStride)
        guard free > kept else { return false }
        try connection.execute("PRAGMA incremental_vacuum(\(min(Self.shrinkingStride, free - kept)))")
        wakeCheckpointer()
        hasShrunk = true
        return try number(freePages) < free
    }

    /// Makes the file shorter by what `shrink` gave back, as far as readers let it.
    func finishShrinking() {
        guard hasShrunk else { return }
        hasShrunk = false
        checkpoint()
    }

    private static let shrinkingStride: Int64 = 64
    /// Pages were given back, and the file may still be as long.
    private var hasShrunk = false

    private func number(_ statement: SQLiteStatement) throws(StoreError) -> Int64 {
        guard try statement.step() else { return 0 }
        defer { statement.reset() }
        return statement.number(0)
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

    /// How far one transaction of `clean` may go: as far as it deletes no more than `bytes`, one revision at least.
    func cleaningEnd(after start: Revision, through end: Revision, bytes: Int64) throws(StoreError) -> Revision {
        try selectReplacedSizes.bind(1, start.rawValue)
        try selectReplacedSizes.bind(2, end.rawValue)
        defer { selectReplacedSizes.reset() }
        var sum: Int64 = 0
        while try selectReplacedSizes.step() {
            let revision = Revision(selectReplacedSizes.number(0))
            sum += selectReplacedSizes.number(1)
            if sum > bytes { return max(Revision(revision.rawValue - 1), start.next) }
        }
        return end
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
        let isIntact: Bool

        var intactValue: [UInt8]? { isIntact ? value : nil }
    }

    /// The key's last row, unless that is a delete.
    private func lastRow(of key: String) throws(StoreError) -> LastRow? {
        try selectLast.bind(1, key)
        guard try selectLast.step() else { return nil }
        defer { selectLast.reset() }
        let row = LogRow(selectLast)
        guard !row.isDelete else { return nil }
        return LastRow(
            revision: row.revision, created: row.created, value: Array(row.borrowedValue),
            isIntact: row.isIntact(key: key))
    }

    /// Bytes that an object may grow by while room is short: finalizers, a deletion's time, the renewal of a Lease.
    private static let neutralGrowth = 512

    private static func growth(of write: Write, last: LastRow?) -> Int {
        switch write {
        case .create: .max
        case .update(_, let value, _): value.count - (last?.value.count ?? 0)
        case .delete: 0
        }
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
