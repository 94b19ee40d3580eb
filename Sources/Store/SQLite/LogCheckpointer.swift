import Synchronization
import System

/// Carries what the write-ahead log holds into the database file, on a thread and connection of its own: done by the
/// writer, every thousandth page would make some writes wait for two more fsyncs than their own.
///
/// The log begins anew when a write finds all of it carried over. Under steady writes a thread beside the writer never
/// gets that far: the writer does the little that is left itself (`LogWriter.finishCheckpoint`). So the log stays short,
/// and its file is written over rather than extended, which would make every fsync wait for the file system's journal.
final class LogCheckpointer: Sendable {
    private struct State {
        var thread: BackgroundThread?
        var isClosing = false
    }

    private let threshold: Int32
    private let state = Mutex(State())
    private let signal = ThreadSignal()
    private let isNearlyDone = Atomic<Bool>(false)
    private let hasFailed = Atomic<Bool>(false)
    /// SQLite refuses a checkpoint while another one runs.
    private let turn = Mutex<Void>(())
    private let mark: HighWaterMark
    private let health: HealthRecord

    /// Starts the thread, which keeps the checkpointer alive until `close`.
    init(
        _ configuration: SQLiteStore.Configuration, _ mark: HighWaterMark, _ health: HealthRecord
    ) throws(StoreError) {
        // On a disk that fills up, what is not yet carried over must find room in the reserve.
        threshold = min(
            configuration.checkpointPages,
            max(16, Int32(clamping: configuration.reserveBytes / StoreFiles.pageBytes * 3 / 4)))
        self.mark = mark
        self.health = health
        let connection = Connection(try SQLiteConnection(path: configuration.path, vfs: configuration.vfs))
        try connection.sqlite.execute(
            "PRAGMA synchronous = \(configuration.durability == .disk ? "FULL" : "OFF"); PRAGMA cache_size = -64")
        let thread: BackgroundThread
        do throws(SystemError) {
            thread = try BackgroundThread(name: "store-checkpoint") { [self] in run(connection) }
        } catch {
            throw StoreError(error)
        }
        state.withLock { $0.thread = thread }
    }

    /// Called by the writer after a commit that leaves so many pages in the log.
    func committed(pages: Int32) {
        if isDue(pages: pages) { signal.raise() }
    }

    func isDue(pages: Int32) -> Bool { pages >= threshold }

    /// Whether all but the last commits have been carried over since this was asked last.
    func takeNearlyDone() -> Bool {
        isNearlyDone.load(ordering: .relaxed) && isNearlyDone.exchange(false, ordering: .acquiringAndReleasing)
    }

    func close() {
        let thread = state.withLock { state in
            state.isClosing = true
            return state.thread.take()
        }
        guard let thread else { return }
        signal.raise()
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    private func run(_ connection: Connection) {
        while true {
            signal.wait()
            if state.withLock({ $0.isClosing }) { return }
            let isDone = noting { () throws(StoreError) in
                try connection.sqlite.execute("PRAGMA wal_checkpoint(PASSIVE)")
            }
            // Rarely, and beside the writes.
            mark.sync()
            if isDone { isNearlyDone.store(true, ordering: .releasing) }
        }
    }

    /// Runs a checkpoint after the one that is under way, and has `health` tell when it fails; it is tried again after the
    /// next commits.
    /// - Returns: whether it did not.
    @discardableResult
    func noting(_ checkpoint: () throws(StoreError) -> Void) -> Bool {
        turn.withLock { _ in note(checkpoint) }
    }

    /// As `noting`, but a lack of room is the caller's to tell.
    func emptying(_ checkpoint: () throws(StoreError) -> Void) {
        turn.withLock { _ in _ = note(checkpoint, isRoomTold: false) }
    }

    /// As `noting`; does nothing while a checkpoint is under way.
    func notingUnlessBusy(_ checkpoint: () throws(StoreError) -> Void) {
        _ = turn.withLockIfAvailable { _ in note(checkpoint) }
    }

    private func note(_ checkpoint: () throws(StoreError) -> Void, isRoomTold: Bool = true) -> Bool {
        do throws(StoreError) {
            try checkpoint()
            if hasFailed.exchange(false, ordering: .relaxed) { health.set(.checkpoint, nil) }
            return true
        } catch {
            if error.code == .full, !isRoomTold { return false }
            hasFailed.store(true, ordering: .relaxed)
            health.set(.checkpoint, "the write-ahead log cannot be carried over: \(error)")
            return false
        }
    }

    /// Sendable: used by the checkpointer's thread only, once it runs.
    private final class Connection: @unchecked Sendable {
        let sqlite: SQLiteConnection
        init(_ sqlite: SQLiteConnection) { self.sqlite = sqlite }
    }
}
