import Synchronization
import System

/// The writer's thread: everything that queued while the last commit was on its way to disk goes into the next one.
final class GroupCommitter: Sendable {
    private struct PendingWrite {
        let write: Write
        let companions: [Write]
        let done: @Sendable (Result<WriteOutcome, StoreError>) -> Void
    }

    private enum Job {
        case write(PendingWrite)
        case compact(Revision, done: @Sendable (Result<Void, StoreError>) -> Void)
    }

    private struct Queue {
        var jobs: [Job] = []
        /// When the first of `jobs` came, until the writer is awake for it.
        var waitingSince: ContinuousClock.Instant?
        var isClosing = false
        var thread: BackgroundThread?
    }

    private let observers: ObserverList
    private let maximumGroup: Int
    private let maximumValueBytes: Int
    private let cleaningStride: Int64
    private let waking: @Sendable (@escaping () -> Void) -> Void
    private let answering: @Sendable (() -> Void) -> Void
    /// How long a write may wait for others of its thread before the writer is woken.
    private static let patience = Duration.microseconds(500)
    private let queue = Mutex(Queue())
    private let signal = ThreadSignal()
    private let current: Atomic<Int64>
    private let compacted: Atomic<Int64>
    private let commits = Atomic<Int>(0)
    private let historyBytes: Atomic<Int64>
    private let garbageBytes: Atomic<Int64>
    private let retryInterval: Duration
    private let health: HealthRecord

    /// Starts the thread, which owns the log and keeps the committer alive until `close`.
    init(
        _ log: LogWriter, _ configuration: SQLiteStore.Configuration, _ observers: ObserverList, _ health: HealthRecord
    ) throws(StoreError) {
        self.health = health
        retryInterval = configuration.retryInterval
        historyBytes = Atomic(log.openedHistoryBytes)
        garbageBytes = Atomic(log.openedGarbageBytes)
        self.observers = observers
        maximumGroup = max(configuration.maximumGroup, 1)
        maximumValueBytes = configuration.maximumValueBytes
        cleaningStride = max(configuration.cleaningStride, 1)
        waking = configuration.waking
        answering = configuration.answering
        current = Atomic(log.openedAt.rawValue)
        compacted = Atomic(log.openedCompacted.rawValue)
        let thread: BackgroundThread
        do throws(SystemError) {
            thread = try BackgroundThread(name: "store-writer") { [self] in run(log) }
        } catch {
            throw StoreError(error)
        }
        queue.withLock { $0.thread = thread }
    }

    var currentRevision: Revision { Revision(current.load(ordering: .acquiring)) }
    var compactedRevision: Revision { Revision(compacted.load(ordering: .acquiring)) }
    var history: StoreHistory {
        StoreHistory(
            revisions: currentRevision.rawValue - max(compactedRevision, .initial).rawValue,
            bytes: historyBytes.load(ordering: .relaxed), garbageBytes: garbageBytes.load(ordering: .relaxed))
    }
    var commitCount: Int { commits.load(ordering: .relaxed) }

    func submit(
        _ write: Write, companions: [Write], _ done: @escaping @Sendable (Result<WriteOutcome, StoreError>) -> Void
    ) {
        if let refusal = refusal(of: write) { return done(.failure(refusal)) }
        for companion in companions {
            if let refusal = refusal(of: companion) { return done(.failure(refusal)) }
        }
        if !enqueue(.write(PendingWrite(write: write, companions: companions, done: done))) {
            done(.failure(Self.closed))
        }
    }

    func compact(to revision: Revision) throws(StoreError) {
        let answered = ThreadSignal()
        let answer = CompactionAnswer()
        let isQueued = enqueue(
            .compact(revision) { outcome in
                answer.result.withLock { $0 = outcome }
                answered.raise()
            })
        // This thread waits for it.
        signal.raise()
        guard isQueued else { throw Self.closed }
        answered.wait()
        try answer.result.withLock { $0 }.get()
    }

    /// Answers everything queued, then ends the thread. From the writer's thread itself (the store was let go of in a
    /// callback) it does not wait.
    func close() {
        let thread = queue.withLock { queue in
            queue.isClosing = true
            return queue.thread.take()
        }
        guard let thread else { return }
        signal.raise()
        if thread.isCurrent { thread.detach() } else { thread.join() }
    }

    private static let closed = StoreError(.closed, "the store is closed")

    private func enqueue(_ job: Job) -> Bool {
        let (isAccepted, wasEmpty, isOverdue) = queue.withLock { queue in
            guard !queue.isClosing else { return (false, false, false) }
            queue.jobs.append(job)
            let now = ContinuousClock.now
            if queue.jobs.count == 1 {
                queue.waitingSince = now
                return (true, true, false)
            }
            guard let since = queue.waitingSince, now - since > Self.patience else { return (true, false, false) }
            queue.waitingSince = nil
            return (true, false, true)
        }
        if isOverdue {
            signal.raise()
        } else if wasEmpty {
            waking { [self] in
                // The writer may have come by itself meanwhile.
                let isWaiting = queue.withLock { $0.waitingSince.take() != nil }
                if isWaiting { signal.raise() }
            }
        }
        return isAccepted
    }

    private func refusal(of write: Write) -> StoreError? {
        let key = write.key
        if key.isEmpty || key.utf8.contains(0) { return StoreError(.invalid, "invalid store key \"\(key)\"") }
        switch write {
        case .create(_, let value), .update(_, let value, _):
            guard value.count > maximumValueBytes else { return nil }
            return StoreError(.invalid, "\(key) has \(value.count) bytes; at most \(maximumValueBytes) are stored")
        case .delete: return nil
        }
    }

    // MARK: On the writer's thread

    /// What the writer's thread keeps from one round to the next.
    private struct Upkeep {
        var cleaned: Revision
        var garbage: GarbageAccount
        /// Only writes that make nothing larger are taken, and may use the reserve.
        var isShort = false
        /// The last commit failed for another reason than room.
        var hasFailed = false
        var isCleaningBehind = false

        var isTroubled: Bool { isShort || hasFailed || isCleaningBehind }
    }

    private func run(_ log: LogWriter) {
        var upkeep = Upkeep(
            cleaned: log.openedCleaned, garbage: GarbageAccount(bytes: log.openedGarbageBytes, at: log.openedAt))
        var jobs: [Job] = []
        if !log.reserve.isWhole || !hasRoomToBegin(log) {
            becomeShort(
                &upkeep, log,
                "the disk is full: there is no room for "
                    + (log.reserve.isWhole ? "a write beside the reserve" : "the reserve"))
            makeRoom(&upkeep, log)
        }
        var lastRetry = ContinuousClock.now
        while true {
            let isClosing = queue.withLock { queue in
                swap(&jobs, &queue.jobs)
                queue.waitingSince = nil
                return queue.isClosing
            }
            if jobs.isEmpty, isClosing { return }
            process(jobs, log, &upkeep)
            log.finishCheckpoint()
            let wasIdle = jobs.isEmpty
            jobs.removeAll(keepingCapacity: jobs.count <= maximumGroup)
            relieveDisk(&upkeep, log)
            // One stride between groups, so that a long clean-up delays no write by more than that.
            let isCleaning = clean(&upkeep, log)
            settleReserve(&upkeep, log)
            if wasIdle, !isCleaning {
                if upkeep.isTroubled { signal.wait(timeout: retryInterval) } else { signal.wait() }
            }
            // Also where writes never pause.
            guard upkeep.isTroubled, ContinuousClock.now - lastRetry >= retryInterval else { continue }
            retry(&upkeep, log)
            lastRetry = ContinuousClock.now
        }
    }

    private func process(_ jobs: [Job], _ log: LogWriter, _ upkeep: inout Upkeep) {
        var group: [PendingWrite] = []
        for job in jobs {
            switch job {
            case .write(let write):
                group.append(write)
                if group.count >= maximumGroup { commit(&group, log, &upkeep) }
            case .compact(let revision, let done):
                commit(&group, log, &upkeep)
                done(Result { () throws(StoreError) in try startCompaction(to: revision, log, &upkeep) })
            }
        }
        commit(&group, log, &upkeep)
    }

    /// Commits the group, tells the observers, moves the revision, answers.
    /// - Parameter hasMadeRoom: whether history was given up for these writes already.
    private func commit(
        _ group: inout [PendingWrite], _ log: LogWriter, _ upkeep: inout Upkeep, hasMadeRoom: Bool = false
    ) {
        guard !group.isEmpty else { return }
        defer { group.removeAll(keepingCapacity: true) }
        do throws(StoreError) {
            let isShort = upkeep.isShort
            let source: WriteRoom.Source = isShort ? .none : try findRoom(for: group, log)
            let (results, events) =
                source != .disk
                ? try spendingReserve(of: log) { () throws(StoreError) in try apply(group, log, isShort: isShort) }
                : try apply(group, log, isShort: false)
            // A commit without events reached no disk.
            if upkeep.hasFailed, !events.isEmpty { recovered(&upkeep) }
            publish(events, log, &upkeep)
            answering {
                for (pending, result) in zip(group, results) { pending.done(result.map(WriteOutcome.init)) }
            }
        } catch {
            guard error.code == .full else {
                if error.code == .corrupt {
                    health.set(.file, "\(error)")
                } else {
                    upkeep.hasFailed = true
                    health.set(.writing, "the last commit failed: \(error)")
                }
                for pending in group { pending.done(.failure(error)) }
                return
            }
            // A write that is larger than the room there is harms no other.
            let isTooLarge = !upkeep.isShort && hasAnyRoom(log)
            // Nobody is refused for the sake of history.
            let mayMakeRoom = !hasMadeRoom && (!isTooLarge || isHistoryInTheWay(of: group, log, upkeep))
            guard group.count > 1 || mayMakeRoom || !(isTooLarge || upkeep.isShort) else {
                for pending in group { pending.done(.failure(error)) }
                return
            }
            if mayMakeRoom { makeRoom(&upkeep, log) }
            if !isTooLarge, hasMadeRoom || !hasAnyRoom(log) { becomeShort(&upkeep, log, "\(error)") }
            // Some of them, deletes above all, may still fit.
            for pending in group {
                var alone = [pending]
                commit(&alone, log, &upkeep, hasMadeRoom: true)
            }
        }
    }

    /// Whether a group lacks room that history might have. A disk that failed once is not full.
    private func isHistoryInTheWay(of group: [PendingWrite], _ log: LogWriter, _ upkeep: Upkeep) -> Bool {
        guard upkeep.garbage.bytes > 0 else { return false }
        return (try? log.source(of: Self.bytes(of: group))) == WriteRoom.Source.none
    }

    private static func bytes(of group: [PendingWrite]) -> Int {
        WriteRoom.bytes(of: group.lazy.flatMap { [$0.write] + $0.companions })
    }

    /// Where a group finds its room while room is not short.
    /// - Throws: `full` where it finds none.
    private func findRoom(for group: [PendingWrite], _ log: LogWriter) throws(StoreError) -> WriteRoom.Source {
        try findRoom(for: Self.bytes(of: group), log)
    }

    /// Whether the first write, of usual size, would be taken: a server that has just started says so before it comes.
    private func hasRoomToBegin(_ log: LogWriter) -> Bool {
        let usual = Write.create(key: "", value: [UInt8](repeating: 0, count: StoreFiles.pageBytes))
        let bytes = WriteRoom.bytes(of: [usual])
        do throws(StoreError) {
            guard try log.isInLimit(adding: bytes) else { return false }
            return try findRoom(for: bytes, log) != .none
        } catch {
            // What fails in another way fails with the first write, and is told then.
            return error.code != .full
        }
    }

    private func findRoom(for bytes: Int, _ log: LogWriter) throws(StoreError) -> WriteRoom.Source {
        var source = try log.source(of: bytes)
        if source == .disk { return .disk }
        // What is carried over is room for the next.
        log.emptyLog()
        source = try log.source(of: bytes)
        guard source != .none else {
            throw StoreError(.full, "store: the disk has no room for \(bytes) bytes beside the reserve")
        }
        return source
    }

    /// Makes the reserve whole after something was done out of it; where that can't be, room is short.
    private func settleReserve(_ upkeep: inout Upkeep, _ log: LogWriter) {
        guard !upkeep.isShort, !log.reserve.isWhole else { return }
        log.emptyLog()
        guard !log.reserve.isEnough else { return }
        becomeShort(&upkeep, log, "the disk is full: there is no room for the reserve")
        makeRoom(&upkeep, log)
    }

    /// Does what needs some room while there is none: it empties the log for that, once, since what is carried over is room
    /// for the next commit, and then lets go of the reserve as far as it takes.
    private func spendingReserve<Value>(
        of log: LogWriter, _ body: () throws(StoreError) -> Value
    ) throws(StoreError) -> Value {
        var hasEmptiedLog = false
        while true {
            do throws(StoreError) {
                return try body()
            } catch {
                guard error.code == .full else { throw error }
                if !hasEmptiedLog {
                    hasEmptiedLog = true
                    log.emptyLog()
                } else if !log.lendReserve() {
                    throw error
                }
            }
        }
    }

    /// - Returns: what became of each write, and every event in the order of revisions, those of companions too.
    private func apply(_ group: [PendingWrite], _ log: LogWriter, isShort: Bool) throws(StoreError) -> (
        [Result<StoreEvent, StoreError>], [StoreEvent]
    ) {
        var revision = currentRevision
        return try log.transaction { () throws(StoreError) in
            var results: [Result<StoreEvent, StoreError>] = []
            var events: [StoreEvent] = []
            results.reserveCapacity(group.count)
            events.reserveCapacity(group.count)
            for pending in group {
                let result = try log.apply(pending.write, as: revision.next, isShort: isShort)
                results.append(result)
                guard case .success(let event) = result else { continue }
                revision = revision.next
                events.append(event)
                for companion in pending.companions {
                    guard
                        case .success(let event) = try log.apply(
                            companion, as: revision.next, isShort: isShort)
                    else { continue }
                    revision = revision.next
                    events.append(event)
                }
            }
            return (results, events)
        }
    }

    private func publish(_ events: [StoreEvent], _ log: LogWriter, _ upkeep: inout Upkeep) {
        guard let last = events.last else { return }
        log.acknowledge(last.revision)
        commits.add(1, ordering: .relaxed)
        let bytes = events.reduce(0) { $0 + ($1.kind == .deleted ? 0 : $1.value.count) }
        historyBytes.add(Int64(bytes), ordering: .relaxed)
        upkeep.garbage.add(Int64(events.reduce(0) { $0 + ($1.previous?.count ?? 0) }), at: last.revision)
        garbageBytes.store(upkeep.garbage.bytes, ordering: .relaxed)
        health.written(events)
        observers.notify(events)
        current.store(last.revision.rawValue, ordering: .releasing)
    }

    private func startCompaction(
        to revision: Revision, _ log: LogWriter, _ upkeep: inout Upkeep
    ) throws(StoreError) {
        guard revision > compactedRevision else { return }
        guard revision <= currentRevision else {
            throw StoreError(
                .future(current: currentRevision), "revision \(revision) is ahead of the store, at \(currentRevision)")
        }
        let before = history
        try log.setCompacted(revision)
        compacted.store(revision.rawValue, ordering: .releasing)
        // Values are taken to be of one size.
        let kept = Double(history.revisions) / Double(max(before.revisions, 1))
        historyBytes.store(Int64(Double(before.bytes) * kept), ordering: .relaxed)
        upkeep.garbage.compact(to: revision)
        garbageBytes.store(upkeep.garbage.bytes, ordering: .relaxed)
    }

    /// Deletes a stretch of what compaction made useless; when there is no more, gives room back.
    /// - Returns: whether there is more to do.
    private func clean(_ upkeep: inout Upkeep, _ log: LogWriter) -> Bool {
        let compacted = compactedRevision
        do throws(StoreError) {
            let isGoingOn = try spendingReserve(of: log) { () throws(StoreError) in
                try cleanStretch(&upkeep, compacted, log)
            }
            guard !isGoingOn else { return true }
            if upkeep.isCleaningBehind { health.set(.cleaning, nil) }
            upkeep.isCleaningBehind = false
            return false
        } catch {
            // Leftovers only take space, so the writes go on.
            if upkeep.isShort, error.code == .full { return false }
            upkeep.isCleaningBehind = true
            health.set(.cleaning, "history before revision \(compacted) cannot be deleted: \(error)")
            return false
        }
    }

    /// Drops all history where it holds more than half of what the disk has left.
    private func relieveDisk(_ upkeep: inout Upkeep, _ log: LogWriter) {
        let bytes = upkeep.garbage.bytes
        guard bytes >= Self.noticedGarbage, bytes > log.reserve.freeBytesBeside / 2 else { return }
        // What fails is tried again after the next writes.
        try? spendingReserve(of: log) { () throws(StoreError) in
            try startCompaction(to: currentRevision, log, &upkeep)
        }
    }

    private static let noticedGarbage: Int64 = 1 << 20

    private func cleanStretch(
        _ upkeep: inout Upkeep, _ compacted: Revision, _ log: LogWriter
    ) throws(StoreError) -> Bool {
        guard upkeep.cleaned < compacted else {
            // While room is short, pages are given back as far as that ends it.
            if !upkeep.isShort, try log.shrink(isShort: false) { return true }
            log.finishShrinking()
            return false
        }
        let stride = upkeep.isShort ? min(cleaningStride, Self.shortStride) : cleaningStride
        let end = try log.cleaningEnd(
            after: upkeep.cleaned, through: min(Revision(upkeep.cleaned.rawValue + stride), compacted),
            bytes: Self.cleaningBytes)
        try log.clean(after: upkeep.cleaned, through: end)
        upkeep.cleaned = end
        return true
    }

    /// Bytes of values that are deleted at once: each of their pages is read.
    private static let cleaningBytes: Int64 = 8 << 20
    /// Revisions that are cleaned away at once while room is short: a transaction takes some of it.
    private static let shortStride: Int64 = 16

    // MARK: Trouble

    /// Tries again what has failed.
    private func retry(_ upkeep: inout Upkeep, _ log: LogWriter) {
        if upkeep.hasFailed {
            do throws(StoreError) {
                try log.settle()
                recovered(&upkeep)
            } catch {
                health.set(.writing, "commits fail: \(error)")
            }
        }
        if upkeep.isShort { makeRoom(&upkeep, log) }
    }

    private func makeRoom(_ upkeep: inout Upkeep, _ log: LogWriter) {
        // Room comes before history: who watches from an old revision has to list anew. What fails is tried again.
        try? spendingReserve(of: log) { () throws(StoreError) in
            try startCompaction(to: currentRevision, log, &upkeep)
        }
        while clean(&upkeep, log) {}
        log.emptyLog()
        // Only as much as ends the shortage: what is free inside the file nobody else can take.
        var isMore = true
        while isMore, !hasRoom(log) {
            isMore = giveBack(log)
            log.emptyLog()
        }
        endShortage(&upkeep, log)
    }

    /// Gives some megabytes of the file's free pages back.
    /// - Returns: whether there are more.
    private func giveBack(_ log: LogWriter) -> Bool {
        for _ in 0..<Self.givenStrides {
            // What fails is tried again.
            let isMore = try? spendingReserve(of: log) { () throws(StoreError) in try log.shrink(isShort: true) }
            guard isMore ?? false else { return false }
        }
        return true
    }

    private static let givenStrides = 16

    private func hasAnyRoom(_ log: LogWriter) -> Bool { hasRoom(log) || (try? log.hasRoomInside()) ?? false }

    /// What cannot be found out is not there.
    private func hasRoom(_ log: LogWriter) -> Bool { (try? log.hasRoom()) ?? false }

    private func recovered(_ upkeep: inout Upkeep) {
        upkeep.hasFailed = false
        health.set(.writing, nil)
    }

    private func becomeShort(_ upkeep: inout Upkeep, _ log: LogWriter, _ reason: String) {
        guard !upkeep.isShort else { return }
        upkeep.isShort = true
        // It only raises a number.
        try? log.allowReserve(true)
        health.set(
            .space, "no room: only deletes and writes that make nothing larger are taken (\(reason))")
    }

    private func endShortage(_ upkeep: inout Upkeep, _ log: LogWriter) {
        guard upkeep.isShort, hasAnyRoom(log) else { return }
        upkeep.isShort = false
        try? log.allowReserve(false)
        health.set(.space, nil)
    }
}

/// Carries the answer of a compaction to the thread that waits for it.
private final class CompactionAnswer: Sendable {
    let result = Mutex<Result<Void, StoreError>>(.success(()))
}

extension WriteOutcome {
    fileprivate init(_ event: StoreEvent) {
        self.init(revision: event.revision, createRevision: event.createRevision, value: event.value)
    }
}
