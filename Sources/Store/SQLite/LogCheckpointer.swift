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

    /// Starts the thread, which keeps the checkpointer alive until `close`.
    init(_ configuration: SQLiteStore.Configuration) throws(StoreError) {
        threshold = configuration.checkpointPages
        let connection = Connection(try SQLiteConnection(path: configuration.path))
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
        if pages >= threshold { signal.raise() }
    }

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
            // What fails now (a full disk, say) is tried again after the next commits; they say themselves what is wrong.
            guard (try? connection.sqlite.execute("PRAGMA wal_checkpoint(PASSIVE)")) != nil else { continue }
            isNearlyDone.store(true, ordering: .releasing)
        }
    }

    /// Sendable: used by the checkpointer's thread only, once it runs.
    private final class Connection: @unchecked Sendable {
        let sqlite: SQLiteConnection
        init(_ sqlite: SQLiteConnection) { self.sqlite = sqlite }
    }
}
