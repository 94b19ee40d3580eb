import CSQLite

/// Brings a file that an earlier version wrote into the form of `LogSchema`. Once for each file, at its first opening;
/// what is interrupted is undone, and begun again at the next.
struct LogMigration {
    let connection: SQLiteConnection
    let path: String

    /// - Throws: `corrupt` for a file of a later version; `full` when there is no room to rewrite the file.
    func run() throws(StoreError) {
        let version = try connection.number("PRAGMA user_version") ?? 0
        switch version {
        case LogSchema.version: break
        case 0: try create()
        case 1: try addChecksums()
        default:
            throw StoreError(
                .corrupt, "\(path) is a store of format \(version); this server knows \(LogSchema.version)")
        }
        try shrinkInSteps()
    }

    private func create() throws(StoreError) {
        // What it is to be is asked for before the first page is written.
        try connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        try connection.execute("BEGIN IMMEDIATE; \(LogSchema.create) COMMIT")
        // Into the file: a log that is lost whole must not make it look like one that was never begun.
        try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    }

    private func addChecksums() throws(StoreError) {
        do throws(StoreError) {
            try connection.execute("BEGIN IMMEDIATE")
            try connection.execute("ALTER TABLE log ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")
            let rows = try connection.prepare(
                "SELECT rev, kind, key, created, previous, value FROM log NOT INDEXED WHERE rev > ? ORDER BY rev LIMIT 500"
            )
            let set = try connection.prepare("UPDATE log SET checksum = ?2 WHERE rev = ?1")
            var last = Int64(0)
            var count = 500
            while count == 500 {
                // A statement that is being read may not see its own table change: a stretch is read, then written.
                var checksums: [(revision: Int64, checksum: Int64)] = []
                try rows.bind(1, last)
                while try rows.step() {
                    let checksum = RowChecksum(
                        revision: Revision(rows.number(0)), kind: rows.number(1), created: Revision(rows.number(3)),
                        previous: rows.optionalNumber(4).map { Revision($0) })
                    checksums.append(
                        (rows.number(0), checksum.over(key: rows.borrowedBytes(2), value: rows.borrowedBytes(5))))
                }
                for (revision, checksum) in checksums {
                    try set.bind(1, revision)
                    try set.bind(2, checksum)
                    _ = try set.step()
                }
                last = checksums.last?.revision ?? last
                count = checksums.count
            }
            try connection.execute("PRAGMA user_version = \(LogSchema.version); COMMIT")
        } catch {
            if connection.isInTransaction { try? connection.execute("ROLLBACK") }
            throw StoreError(error.code, "\(path) is of format 1 and could not be rewritten: \(error)")
        }
    }

    /// A file that was made without room for it is rewritten once. It needs its size again for that moment; a disk that
    /// has not got it leaves the file as it is, which harms nothing, until the next opening.
    private func shrinkInSteps() throws(StoreError) {
        let isIncremental = Int64(2)
        guard try connection.number("PRAGMA auto_vacuum") != isIncremental else { return }
        do throws(StoreError) {
            try connection.execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        } catch {
            guard error.code == .full else { throw error }
        }
    }
}
