import Synchronization

/// The store in one SQLite file: a log with a row for each write (`LogSchema`), WAL mode, one writing thread that commits
/// in groups (`GroupCommitter`), reading connections for history.
///
/// The file is opened by one store at a time (a lock file beside it, `PATH-lock`), readable by its owner only.
/// Files: `PATH`, `PATH-wal`, `PATH-shm` of SQLite; `PATH-lock`, `PATH-mark` (`HighWaterMark`), `PATH-reserve`
/// (`SpaceReserve`).
package final class SQLiteStore: Store {
    package struct Configuration: Sendable {
        package enum Durability: Sendable {
            /// An answered write survives a power cut: fsync before the answer.
            case disk
            /// An answered write survives the end of the process, not of the machine. For tests.
            case process
        }

        package var path: String
        package var durability: Durability = .disk
        /// Where the file stops growing, in pages of 4 KiB; writes then fail with `full`. `nil`: the disk's end. Writes
        /// that make nothing larger may use `reserveBytes` more.
        package var maximumPages: Int?
        /// SQLite's page cache of the writing connection, and of each reading one.
        package var writerCacheKiB = 4096
        package var readerCacheKiB = 512
        /// Writes in one transaction, so that the first of a long queue is not answered with the last.
        package var maximumGroup = 512
        package var maximumValueBytes = 16 << 20
        /// Pages in the write-ahead log from which on they are carried into the file, beside the writes.
        package var checkpointPages: Int32 = 1000
        /// Runs what wakes the writer for the first of several writes, at once or, so that the others go into the same
        /// transaction, a little later on the same thread. After `GroupCommitter.patience` the next write wakes it anyway.
        package var waking: @Sendable (_ wake: @escaping () -> Void) -> Void = { wake in wake() }
        /// Runs what hands out the answers of one transaction, so that whoever gets several may act on them together.
        package var answering: @Sendable (_ answers: () -> Void) -> Void = { answers in answers() }
        /// Revisions whose leftovers one transaction deletes after a compaction.
        package var cleaningStride: Int64 = 250
        /// Room that is held back on the disk for deletes and other writes that make nothing larger.
        package var reserveBytes = 4 << 20
        /// How long what has failed waits to be tried again, when no write comes.
        package var retryInterval = Duration.seconds(1)
        /// SQLite's way to the disk, by name. For tests; `nil`: the system's.
        package var vfs: String?
        /// Called when something goes wrong, or has come right, by the thread that noticed; it must be quick.
        package var onHealthChange: @Sendable (StoreHealth) -> Void = { _ in }

        package init(path: String) {
            self.path = path
        }
    }

    private struct Readers {
        var idle: [LogReader] = []
        var isClosed = false
    }

    private let configuration: Configuration
    private let committer: GroupCommitter
    private let observers = ObserverList()
    private let healthRecord: HealthRecord
    private let readers = Mutex(Readers())

    /// Opens the store, making the file if there is none. The folder must exist.
    /// - Throws: `inUse`, `corrupt`, `lost`, `io`, `full`: one text for the operator, with what mends it.
    package init(_ configuration: Configuration) throws(StoreError) {
        self.configuration = configuration
        healthRecord = HealthRecord(onChange: configuration.onHealthChange)
        let files = try StoreFiles(configuration.path)
        let reserve = try SpaceReserve(path: configuration.path + "-reserve", bytes: configuration.reserveBytes)
        let log = try SQLiteStore.openLog(configuration, files, healthRecord, reserve)
        committer = try GroupCommitter(log, configuration, observers, healthRecord)
    }

    deinit {
        close()
    }

    package func submit(
        _ write: Write, companions: [Write], _ done: @escaping @Sendable (Result<WriteOutcome, StoreError>) -> Void
    ) {
        committer.submit(write, companions: companions, done)
    }

    package func get(_ key: String, at revision: Revision?) throws(StoreError) -> StoredValue? {
        try read { reader throws(StoreError) in try reader.get(key, at: revision) }
    }

    package func list(
        prefix: String, after: String?, limit: Int?, at revision: Revision?
    ) throws(StoreError) -> ValuePage {
        try read { reader throws(StoreError) in
            try reader.list(prefix: prefix, after: after, limit: limit, at: revision)
        }
    }

    package func count(prefix: String, after: String?, at revision: Revision?) throws(StoreError) -> Int {
        try read { reader throws(StoreError) in try reader.count(prefix: prefix, after: after, at: revision) }
    }

    package func events(prefix: String, after revision: Revision, limit: Int) throws(StoreError) -> EventPage {
        try read { reader throws(StoreError) in try reader.events(prefix: prefix, after: revision, limit: limit) }
    }

    package func observe(
        prefix: String, _ handler: @escaping @Sendable ([StoreEvent]) -> Void
    ) -> Observation {
        observers.add(prefix: prefix, handler)
    }

    package var currentRevision: Revision { committer.currentRevision }

    package var compactedRevision: Revision { committer.compactedRevision }

    package var history: StoreHistory { committer.history }

    package var health: StoreHealth { healthRecord.health }

    /// Transactions committed to disk so far, each with one fsync of the log; the writes divided by it are the group
    /// commit's average size.
    package var commitCount: Int { committer.commitCount }

    package func compact(to revision: Revision) throws(StoreError) {
        try committer.compact(to: revision)
    }

    package func close() {
        committer.close()
        readers.withLock {
            $0.isClosed = true
            $0.idle = []
        }
    }

    /// Opening needs some room too, for the index of the log at least: on a full disk out of the reserve.
    private static func openLog(
        _ configuration: Configuration, _ files: StoreFiles, _ health: HealthRecord, _ reserve: SpaceReserve
    ) throws(StoreError) -> LogWriter {
        var hasTrimmed = false
        while true {
            do throws(StoreError) {
                let log = try LogWriter(configuration, files, health, reserve)
                reserve.regain()
                return log
            } catch {
                guard error.code == .full else { throw error }
                // Once for each piece: a try that fails leaves a transaction without its end behind again.
                if !hasTrimmed, files.trimLog() {
                    hasTrimmed = true
                } else if reserve.release() {
                    hasTrimmed = false
                } else {
                    throw error
                }
            }
        }
    }

    /// Lends a reading connection: an idle one, else a new one.
    private func read<T>(_ body: (LogReader) throws(StoreError) -> T) throws(StoreError) -> T {
        let (lent, isClosed) = readers.withLock { ($0.idle.popLast(), $0.isClosed) }
        guard !isClosed else { throw StoreError(.closed, "the store is closed") }
        let reader = if let lent { lent } else { try LogReader(configuration, healthRecord) }
        defer {
            readers.withLock {
                // More than a few idle ones would only hold memory.
                if !$0.isClosed, $0.idle.count < 2 { $0.idle.append(reader) }
            }
        }
        do throws(StoreError) {
            return try body(reader)
        } catch {
            if error.code == .corrupt { healthRecord.set(.file, "\(error)") }
            throw error
        }
    }
}
