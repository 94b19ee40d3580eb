internal import Synchronization

/// One request and its response, between the task that waits for it and the connection that carries it.
final class ClientExchange: Sendable {
    struct Head: Sendable {
        var status: Int
        var headers: HTTPHeaders
        /// The way to a server that has answered 101.
        var upgrade: ClientUpgrade?
    }

    /// The connection broke before a byte of the response had come.
    struct Unanswered: Error {
        var cause: TransportError
        /// Nothing of the request can have been acted upon, or the server closed a pooled connection.
        var wasReused: Bool
        var wasSent: Bool
    }

    private struct State: Sendable {
        var connection: ClientConnection?
        var head: Head?
        var headWaiter: CheckedContinuation<Head, any Error>?
        var chunks: [[UInt8]] = []
        var buffered = 0
        var isComplete = false
        var isPaused = false
        var failure: (any Error)?
        var bodyWaiter: CheckedContinuation<[UInt8]?, any Error>?
        /// Ends the exchange unless ``ClientExchange/stopAnswerTimer()`` comes first.
        var answerTimer: LoopTimer?
        var lifetimeTimer: LoopTimer?
        var silenceTimer: LoopTimer?
        /// When the connection last brought something.
        var lastSign = MonotonicTime(nanoseconds: 0)

        mutating func takeTimers() -> [LoopTimer] {
            defer { (answerTimer, lifetimeTimer, silenceTimer) = (nil, nil, nil) }
            return [answerTimer, lifetimeTimer, silenceTimer].compactMap(\.self)
        }
    }

    /// More than this waiting for the task stops reading from the socket: less where there may be many of these for long.
    private var highWater: Int { allowsUpgrade ? 64 << 10 : 256 << 10 }

    let encodedRequest: [UInt8]
    let isHead: Bool
    /// Whether the server may answer 101.
    let allowsUpgrade: Bool
    private let state = Mutex(State())

    init(encodedRequest: [UInt8], isHead: Bool, allowsUpgrade: Bool = false) {
        self.encodedRequest = encodedRequest
        self.isHead = isHead
        self.allowsUpgrade = allowsUpgrade
    }

    // MARK: The task's side

    /// Fails the exchange when one of the request's times passes: the one for the answer before
    /// ``stopAnswerTimer()``, the others before the answer's end.
    func startTimers(for request: HTTPClientRequest, on loop: EventLoop) {
        let answer = request.timeout.map { limit in
            loop.schedule(after: limit) { [weak self] in
                self?.abort(TransportError(.timedOut, "no complete answer within \(limit)"))
            }
        }
        let lifetime = request.lifetime.map { limit in
            loop.schedule(after: limit) { [weak self] in
                self?.abort(TransportError(.timedOut, "the answer did not end within \(limit)"))
            }
        }
        state.withLock { state in
            state.answerTimer = answer
            state.lifetimeTimer = lifetime
            state.lastSign = .now
        }
        if let silence = request.silence { watchSilence(silence, after: silence, on: loop) }
    }

    /// Looks again when the limit could be reached at the earliest: an answer that flows costs no timer a piece.
    private func watchSilence(_ limit: Duration, after delay: Duration, on loop: EventLoop) {
        let timer = loop.schedule(after: delay) { [weak self, weak loop] in
            guard let self, let loop else { return }
            // While the task is behind, nothing is read: the silence is ours.
            let silent: Duration = self.state.withLock { $0.isPaused ? .zero : loop.now - $0.lastSign }
            if silent >= limit {
                self.abort(TransportError(.timedOut, "no sign of life for \(limit)"))
            } else {
                self.watchSilence(limit, after: limit - silent, on: loop)
            }
        }
        let isOver = state.withLock { state in
            guard !state.isComplete, state.failure == nil else { return true }
            state.silenceTimer = timer
            return false
        }
        if isOver { timer.cancel() }
    }

    func stopAnswerTimer() {
        let timer = state.withLock { state in
            defer { state.answerTimer = nil }
            return state.answerTimer
        }
        timer?.cancel()
    }

    func head() async throws -> Head {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let ready: Result<Head, any Error>? = state.withLock { state in
                    if let failure = state.failure { return .failure(failure) }
                    if let head = state.head { return .success(head) }
                    state.headWaiter = continuation
                    return nil
                }
                if let ready { continuation.resume(with: ready) }
            }
        } onCancel: {
            abort(CancellationError())
        }
    }

    /// The next piece of the body, nil at its end.
    func nextChunk() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (ready, resumed): (Result<[UInt8]?, any Error>?, ClientConnection?) = state.withLock { state in
                    if !state.chunks.isEmpty {
                        // Everything that waits in one piece.
                        let chunk = state.chunks.count == 1 ? state.chunks[0] : Array(state.chunks.joined())
                        state.chunks.removeAll(keepingCapacity: true)
                        state.buffered = 0
                        let paused = state.isPaused
                        if paused { state.lastSign = .now }
                        state.isPaused = false
                        return (.success(chunk), paused ? state.connection : nil)
                    }
                    if let failure = state.failure { return (.failure(failure), nil) }
                    if state.isComplete { return (.success(nil), nil) }
                    state.bodyWaiter = continuation
                    return (nil, nil)
                }
                if let ready { continuation.resume(with: ready) }
                if let resumed { resumed.loop.execute { resumed.resumeReading() } }
            }
        } onCancel: {
            abort(CancellationError())
        }
    }

    /// Ends the exchange from the task's side and closes its connection, unless it is complete.
    func abort(_ error: any Error) {
        let connection = state.withLock { $0.connection }
        fail(error)
        if let connection { connection.loop.execute { connection.abandon(self) } }
    }

    // MARK: The connection's side

    /// False if the exchange was ended before it began.
    func attach(_ connection: ClientConnection) -> Bool {
        state.withLock { state in
            guard state.failure == nil else { return false }
            state.connection = connection
            return true
        }
    }

    func receive(_ head: Head) {
        let (waiter, timers) = state.withLock { state -> (CheckedContinuation<Head, any Error>?, [LoopTimer]) in
            guard state.failure == nil else { return (nil, []) }
            state.lastSign = .now
            state.head = head
            defer { state.headWaiter = nil }
            // They are about an answer, which this is no more.
            return (state.headWaiter, head.upgrade == nil ? [] : state.takeTimers())
        }
        waiter?.resume(returning: head)
        for timer in timers { timer.cancel() }
    }

    /// Whether the connection should stop reading until ``ClientConnection/resumeReading()``.
    func receive(_ bytes: [UInt8]) -> Bool {
        let (waiter, pause): (CheckedContinuation<[UInt8]?, any Error>?, Bool) = state.withLock { state in
            state.lastSign = .now
            if let waiter = state.bodyWaiter {
                state.bodyWaiter = nil
                return (waiter, false)
            }
            state.chunks.append(bytes)
            state.buffered += bytes.count
            state.isPaused = state.buffered >= highWater
            return (nil, state.isPaused)
        }
        waiter?.resume(returning: bytes)
        return pause
    }

    func complete() {
        let (waiter, timers) = state.withLock { state in
            state.isComplete = true
            state.connection = nil
            defer { state.bodyWaiter = nil }
            return (state.bodyWaiter, state.takeTimers())
        }
        waiter?.resume(returning: nil)
        for timer in timers { timer.cancel() }
    }

    /// The first failure counts; a complete exchange cannot fail.
    func fail(_ error: any Error) {
        let (headWaiter, bodyWaiter, timers) = state.withLock { state in
            guard !state.isComplete, state.failure == nil else {
                return (
                    CheckedContinuation<Head, any Error>?.none, CheckedContinuation<[UInt8]?, any Error>?.none,
                    [LoopTimer]()
                )
            }
            state.failure = error
            state.connection = nil
            defer { state.headWaiter = nil; state.bodyWaiter = nil }
            return (state.headWaiter, state.bodyWaiter, state.takeTimers())
        }
        headWaiter?.resume(throwing: error)
        bodyWaiter?.resume(throwing: error)
        for timer in timers { timer.cancel() }
    }
}
