internal import Synchronization

/// What a streamed response has still to send: filled from any thread, drained by the connection on its loop.
final class ResponseStreamQueue: Sendable {
    enum Progress: Sendable {
        /// Bytes are left.
        case more
        /// Everything was taken and more may come.
        case empty
        /// Everything was taken and the response is complete.
        case finished
        case cancelled
    }

    private struct State: Sendable {
        var chunks = ChunkQueue()
        var isFinished = false
        var isCancelled = false
        var isClosed = false
        /// The connection has been told and has not looked yet.
        var isSignalled = false
        var onClose: [@Sendable () -> Void] = []
        /// Who waits until no more than so many bytes are pending.
        var roomWaiter: (limit: Int, body: @Sendable () -> Void)?

        /// The waiter, once there is room or there will never be a use for it.
        mutating func takeRoomWaiter() -> (@Sendable () -> Void)? {
            guard let waiter = roomWaiter, chunks.byteCount <= waiter.limit || isCancelled || isClosed else {
                return nil
            }
            roomWaiter = nil
            return waiter.body
        }
    }

    private let loop: EventLoop
    /// Whether the end of the server is a proper end of this, as of a watch.
    private let endsWithServer: Bool
    /// Has the connection look at this queue. Made once: a watch calls it for every event.
    private let signal: @Sendable () -> Void
    private let state = Mutex(State())
    private let pending = Atomic<Int>(0)
    private let cancelled = Atomic<Bool>(false)

    init(loop: EventLoop, sink: any ResponseSink, exchange: UInt64, endsWithServer: Bool = true) {
        self.loop = loop
        self.endsWithServer = endsWithServer
        signal = { sink.streamChanged(exchange: exchange) }
    }

    var pendingBytes: Int { pending.load(ordering: .relaxed) }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    var isCancelled: Bool { cancelled.load(ordering: .acquiring) }

    func write(_ bytes: [UInt8]) {
        update { state in
            state.chunks.append(bytes)
            pending.store(state.chunks.byteCount, ordering: .relaxed)
        }
    }

    func write(_ chunks: [[UInt8]]) {
        update { state in
            for chunk in chunks { state.chunks.append(chunk) }
            pending.store(state.chunks.byteCount, ordering: .relaxed)
        }
    }

    func finish() {
        update { $0.isFinished = true }
    }

    /// The server stops. What does not end with it has the time that the server gives, and is broken off then: half of it
    /// must not be taken for the whole.
    func drain() {
        if endsWithServer { finish() }
    }

    func cancel() {
        let isNews = state.withLock { state in
            guard !state.isClosed, !state.isFinished, !state.isCancelled else { return false }
            state.isCancelled = true
            cancelled.store(true, ordering: .releasing)
            state.chunks.removeAll()
            pending.store(0, ordering: .relaxed)
            return true
        }
        // Also when the connection has been told of bytes already: while its client takes none, it does not look at them.
        if isNews {
            loop.execute(signal)
            state.withLock { $0.takeRoomWaiter() }?()
        }
    }

    func onClose(_ body: @escaping @Sendable () -> Void) {
        let callNow = state.withLock { state in
            if !state.isClosed { state.onClose.append(body) }
            return state.isClosed
        }
        if callNow { body() }
    }

    /// Calls `body` once when no more than `limit` bytes are pending or the response has ended; at once if that is so
    /// already. One waits at a time.
    func onRoom(below limit: Int, _ body: @escaping @Sendable () -> Void) {
        let now = state.withLock { state in
            state.roomWaiter = (limit, body)
            return state.takeRoomWaiter()
        }
        now?()
    }

    private func update(_ change: (inout State) -> Void) {
        let mustSignal = state.withLock { state in
            guard !state.isClosed, !state.isFinished, !state.isCancelled else { return false }
            change(&state)
            guard !state.isSignalled else { return false }
            state.isSignalled = true
            return true
        }
        // Queued also when the caller is on the loop, so that many small writes leave in one system call.
        if mustSignal { loop.execute(signal) }
    }

    // MARK: The connection's side

    /// Moves up to `limit` bytes to `output`.
    func take(_ limit: Int, appendingTo output: inout [UInt8]) -> Progress {
        let (progress, waiter) = state.withLock { state -> (Progress, (@Sendable () -> Void)?) in
            state.isSignalled = false
            _ = state.chunks.take(limit, appendingTo: &output)
            return (self.progress(state), state.takeRoomWaiter())
        }
        waiter?()
        return progress
    }

    /// How many bytes there are to take, and what is known of those behind them: ``Progress/finished`` when there are none.
    func available() -> (count: Int, progress: Progress) {
        state.withLock { state in
            state.isSignalled = false
            let count = state.chunks.byteCount
            if state.isCancelled { return (0, .cancelled) }
            if state.isFinished { return (count, .finished) }
            return (count, count > 0 ? .more : .empty)
        }
    }

    private func progress(_ state: State) -> Progress {
        pending.store(state.chunks.byteCount, ordering: .relaxed)
        if state.isCancelled { return .cancelled }
        if !state.chunks.isEmpty { return .more }
        return state.isFinished ? .finished : .empty
    }

    /// The response is complete, or the client has gone.
    func didClose() {
        let callbacks = state.withLock { state in
            guard !state.isClosed else { return [@Sendable () -> Void]() }
            state.isClosed = true
            state.chunks.removeAll()
            pending.store(0, ordering: .relaxed)
            let callbacks = state.onClose + [state.takeRoomWaiter()].compactMap(\.self)
            state.onClose = []
            return callbacks
        }
        for callback in callbacks { callback() }
    }
}
