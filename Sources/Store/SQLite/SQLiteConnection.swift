import CSQLite
import Glibc

/// A connection to a database file, for one thread at a time (SQLite's own locking is off).
final class SQLiteConnection {
    private let handle: OpaquePointer
    private let path: String
    /// Pages in the write-ahead log after this connection's last commit, once `countLogPages` was called.
    private(set) var logPages: Int32 = 0

    /// Opens `path`, which must exist.
    /// - Parameter vfs: SQLite's way to the disk, by its name; nil: the usual one.
    init(path: String, vfs: String? = nil) throws(StoreError) {
        self.path = path
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, vfs)
        guard code == SQLITE_OK, let opened else {
            let error = SQLiteConnection.error(code, handle: opened, path, doing: "open \(path)")
            sqlite3_close_v2(opened)
            throw error
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit {
        // The v2 form waits for statements that are finalized after it.
        sqlite3_close_v2(handle)
    }

    /// Runs statements without parameters and drops their rows.
    func execute(_ sql: String) throws(StoreError) {
        let code = sqlite3_exec(handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw error(code, doing: sql) }
    }

    func prepare(_ sql: String) throws(StoreError) -> SQLiteStatement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement else { throw error(code, doing: sql) }
        return SQLiteStatement(statement, connection: self)
    }

    /// The single integer that a query gives; `nil` for NULL or no row.
    func number(_ sql: String) throws(StoreError) -> Int64? {
        let statement = try prepare(sql)
        guard try statement.step() else { return nil }
        return statement.optionalNumber(0)
    }

    /// Keeps `logPages` from now on. SQLite's own checkpoints after a commit end with this.
    /// - Parameter pages: those of now.
    func countLogPages(from pages: Int32) {
        logPages = pages
        // Unretained: the hook is called from this connection's commits only, and ends with it.
        sqlite3_wal_hook(
            handle,
            { context, _, _, pages in
                guard let context else { return SQLITE_OK }
                Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().logPages = pages
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Whether closing the last connection leaves the write-ahead log as it lies, rather than carrying it over.
    func keepsLog(_ keeps: Bool) throws(StoreError) {
        let code = martlet_sqlite_keep_log(handle, keeps ? 1 : 0)
        guard code == SQLITE_OK else { throw error(code, doing: "keep the log") }
    }

    /// Rows that statements have changed through this connection, ever.
    var changeCount: Int64 { sqlite3_total_changes64(handle) }

    var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

    func error(_ code: Int32, doing action: String) -> StoreError {
        SQLiteConnection.error(code, handle: handle, path, doing: action)
    }

    private static func error(
        _ code: Int32, handle: OpaquePointer?, _ path: String, doing action: String
    ) -> StoreError {
        let text =
            handle.flatMap { sqlite3_errmsg($0) }.map { String(cString: $0) } ?? String(cString: sqlite3_errstr(code))
        let message = "store: \(text) (SQLite \(code), \(action))"
        switch code & 0xff {
        case SQLITE_FULL: return StoreError(.full, message)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StoreError(
                .corrupt,
                "\(message). Stop the server and put back a copy of the folder, or save what can be read: "
                    + "sqlite3 \(path) .recover")
        case SQLITE_TOOBIG: return StoreError(.invalid, message)
        case SQLITE_IOERR, SQLITE_CANTOPEN:
            // Files that can't be made or extended fail in ways of their own.
            let cause = handle.map { sqlite3_system_errno($0) } ?? 0
            if cause == ENOSPC || cause == EDQUOT || code == ioErrorSharedMemorySize {
                return StoreError(.full, "\(message), \(systemMessage(cause == 0 ? ENOSPC : cause))")
            }
            return StoreError(.io(code), message)
        default: return StoreError(.io(code), message)
        }
    }

    /// SQLITE_IOERR_SHMSIZE, a macro that Swift does not see: the log's index could not be made larger.
    private static let ioErrorSharedMemorySize = SQLITE_IOERR | (19 << 8)
}
