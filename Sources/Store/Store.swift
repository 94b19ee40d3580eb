/// A revisioned key-value store, shaped as etcd: one monotonic revision for all keys, writes with a precondition on
/// the key's last revision, reads as of any revision kept, a history of events that outlives a restart, compaction.
///
/// Guarantees of every implementation (checked by one conformance suite):
/// - A write is answered only when it is on disk; what was answered with success is never lost.
/// - Writes are totally ordered by their revision. Observers see every event once and in that order; then
///   `currentRevision` moves; then the writes are answered, in order too. So whoever got an answer, or read
///   `currentRevision`, knows that every observer has seen all up to that revision.
/// - `get`, `list` and `events` show one moment each, never part of a commit.
///
/// Keys are non-empty UTF-8 text without NUL, ordered by their bytes.
package protocol Store: Sendable {
    /// Queues a write. `done` is called once, from the writer's thread (at once from this thread if the store is
    /// closed or the write is `invalid`); it must not block, nor call `get`, `list`, `events` or `close`. A write whose
    /// precondition fails changes nothing and costs no other write anything.
    ///
    /// `companions` are written in the same commit when the write succeeds, right behind it, so that no crash can part
    /// them. One whose own precondition fails is left out; the answer is about `write` alone.
    func submit(
        _ write: Write, companions: [Write], _ done: @escaping @Sendable (Result<WriteOutcome, StoreError>) -> Void)

    /// The key's value now, or as of `revision`; `nil` if it was not there. Blocks on disk.
    /// - Throws: `compacted` or `future` for a revision outside the history kept, `io`, `closed`.
    func get(_ key: String, at revision: Revision?) throws(StoreError) -> StoredValue?

    /// The keys that begin with `prefix` and follow `after` (a whole key), in byte order, at most `limit`, as of
    /// `revision` or now: all that is committed, which may be a batch ahead of `currentRevision`. With a limit there may
    /// be fewer where values are large; `isTruncated` tells. Blocks on disk.
    /// Throws as `get`.
    func list(
        prefix: String, after: String?, limit: Int?, at revision: Revision?
    ) throws(StoreError) -> ValuePage

    /// How many keys `list` would give without a limit. Blocks on disk. Throws as `get`.
    func count(prefix: String, after: String?, at revision: Revision?) throws(StoreError) -> Int

    /// The events of keys that begin with `prefix`, after `revision`, at most `limit`, fewer where values are large.
    /// Blocks on disk.
    /// - Throws: `compacted` when `revision` is before `compactedRevision`, `damaged` where an event of the page is,
    ///   `future`, `io`, `closed`.
    func events(prefix: String, after revision: Revision, limit: Int) throws(StoreError) -> EventPage

    /// Has `handler` called with every batch of events under `prefix` that commits after this call began, from the
    /// writer's thread. It must be quick and must not block: every write waits for it. To follow a prefix from a known
    /// state, observe first, then list now, and skip the events that are not after the list's revision.
    func observe(
        prefix: String, _ handler: @escaping @Sendable ([StoreEvent]) -> Void
    ) -> Observation

    /// The last revision that is committed and that all observers have seen.
    var currentRevision: Revision { get }

    /// History starts after this revision: reads as of it or later, and events after it, are kept.
    var compactedRevision: Revision { get }

    /// How much history there is.
    var history: StoreHistory { get }

    /// What is wrong now.
    var health: StoreHealth { get }

    /// Drops the history before `revision`: of each key its last live value at `revision` stays. Returns once
    /// `compactedRevision` is durable; space is reclaimed behind the writes. A revision already compacted does nothing.
    /// - Throws: `future`, `io`, `closed`.
    func compact(to revision: Revision) throws(StoreError)

    /// Finishes the queued writes, then closes. Later calls answer `closed`. Not to be called from `done` or an observer.
    func close()
}

extension Store {
    /// Queues a write that stands alone.
    package func submit(_ write: Write, _ done: @escaping @Sendable (Result<WriteOutcome, StoreError>) -> Void) {
        submit(write, companions: [], done)
    }

    /// Submits a write and waits for it to be on disk.
    package func write(_ write: Write) async throws(StoreError) -> WriteOutcome {
        let result = await withCheckedContinuation { continuation in
            submit(write) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// The key's value now.
    package func get(_ key: String) throws(StoreError) -> StoredValue? {
        try get(key, at: nil)
    }
}
