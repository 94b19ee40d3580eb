import Glibc

/// What lies on the disk before a store is opened, and whether it can be what was last written. Only looks: what is found
/// wrong is left as it is.
final class StoreFiles: Sendable {
    /// What the opened log says of its own end.
    struct LogEnd {
        let current: Revision
        let cleaned: Revision
        /// Rows after `cleaned`, and the bytes of their values.
        let historyRows: Int64
        let historyBytes: Int64
        /// The bytes of values that were replaced or deleted after `compacted`.
        var garbageBytes: Int64 = 0
    }

    let mark: HighWaterMark
    private let lock: StoreLockFile
    private let path: String
    private let tail: LogTail

    /// - Throws: `inUse`; `lost` when there is a log, or a mark, and not the file that they belong to; `io`, `full`.
    init(_ path: String) throws(StoreError) {
        self.path = path
        lock = try StoreLockFile(path: path + "-lock")
        mark = try HighWaterMark(path: path + "-mark")
        let log = path + "-wal"
        tail = try LogTail.read(log)
        // SQLite takes an empty file to be a new store, and throws away the log beside it.
        if mark.opened != .accepted, try Self.size(path) == 0 {
            let logBytes = try Self.size(log)
            if logBytes > 0 {
                throw lost("\(path) is empty or missing, but \(log) beside it holds \(logBytes) bytes")
            }
            if case .revision(let revision) = mark.opened, revision > .initial {
                throw lost(
                    "\(path) is empty or missing, but writes up to revision \(revision) were acknowledged")
            }
        }
        try createFile()
    }

    /// - Parameter isMarked: whether a store of its format has had a mark from its first write on.
    /// - Throws: `lost` when acknowledged writes are missing, or nothing tells whether they are.
    func check(_ end: LogEnd, isMarked: Bool) throws(StoreError) {
        let first = max(end.cleaned, .initial)
        let missing = end.current.rawValue - first.rawValue - end.historyRows
        switch mark.opened {
        case .accepted: return
        case .unreadable:
            throw lost("\(mark.path) does not say how far writes were acknowledged")
        case .revision(let revision) where revision > end.current:
            throw lost(
                """
                \(path) ends at revision \(end.current), but writes up to revision \(revision) were acknowledged: \
                \(path)-wal is cut, damaged (it is good for \(tail.goodFrames) pages) or gone, or the files are of \
                different times
                """)
        case .revision, .absent: break
        }
        guard !tail.hasLostCommits else {
            throw lost(
                """
                \(path)-wal is damaged after \(tail.goodFrames) pages, and \(tail.lostCommits) commits lie behind that \
                place
                """)
        }
        guard missing == 0 else {
            throw lost(
                "\(missing) of the revisions after \(first), up to \(end.current), are missing in \(path)")
        }
        // A log that is cut looks like one that ends there.
        guard !isMarked || mark.opened != .absent else {
            throw lost(
                """
                \(mark.path) is missing or empty, so nothing tells whether \(path), which ends at revision \(end.current), \
                has all writes that were acknowledged
                """)
        }
    }

    /// Pages of the log that its commits had at the opening.
    var committedFrames: Int32 { Int32(clamping: tail.committedFrames) }

    /// Gives back what lies behind the log's last commit: transactions that found no room for their end. Not to be called
    /// while a transaction is open.
    /// - Parameter frames: at least how many pages the log's commits have; nil: they are counted.
    /// - Returns: whether there was any.
    func trimLog(frames: Int32? = nil) -> Bool {
        let log = path + "-wal"
        var kept = Int(frames ?? 0)
        if frames == nil {
            // What can't be read, or has commits behind a break, is left as it is.
            guard let tail = try? LogTail.read(log), tail.lostCommits == 0 else { return false }
            kept = tail.committedFrames
        }
        guard kept > 0 else { return false }
        let bytes = off_t(LogTail.headerBytes + kept * (LogTail.frameHeaderBytes + StoreFiles.pageBytes))
        guard let size = try? Self.size(log), size > bytes else { return false }
        return truncate(log, bytes) == 0
    }

    /// Makes the log's file longer, so that nobody else takes the room that its next pages need. SQLite takes no notice of
    /// what follows the last commit.
    func extendLog(by bytes: Int) {
        let descriptor = open(path + "-wal", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return }
        // Where it fails the room is still the disk's.
        _ = posix_fallocate(descriptor, status.st_size, off_t(bytes))
    }

    /// Bytes of the database file; 0 when nobody can tell.
    var databaseBytes: Int { Int(clamping: (try? Self.size(path)) ?? 0) }

    /// SQLite's default, which every store was made with.
    static let pageBytes = 4096

    private func lost(_ what: String) -> StoreError {
        StoreError(
            .lost,
            """
            \(what). Nothing was changed. Put back a copy of the folder; or keep a copy of it as it is, and go on \
            without what is lost: echo accept > \(mark.path)
            """)
    }

    private static func size(_ path: String) throws(StoreError) -> Int64 {
        var status = stat()
        if stat(path, &status) == 0 { return Int64(status.st_size) }
        guard errno == ENOENT else { throw StoreError(errno: errno, "cannot look at \(path)") }
        return 0
    }

    /// SQLite would make the file readable for everyone; it holds Secrets. The log beside it gets the same mode.
    private func createFile() throws(StoreError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw StoreError(errno: errno, "cannot open \(path)") }
        Glibc.close(descriptor)
        // The new name must be on disk before anything is acknowledged.
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let opened = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else { throw StoreError(errno: errno, "cannot open \(folder)") }
        defer { Glibc.close(opened) }
        guard fsync(opened) == 0 else { throw StoreError(errno: errno, "cannot sync \(folder)") }
    }
}
