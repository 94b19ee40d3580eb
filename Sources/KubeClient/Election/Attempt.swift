import Synchronization

/// Bounds how long a caller waits for something that may hang.
package enum Attempt {
    /// What the body returns or throws; a `ClientError` once the time is over. The body is cancelled then, but not
    /// waited for: a name server that does not answer must not hold the caller.
    package static func within<Result: Sendable>(
        _ limit: Duration, by clock: MonotonicClock, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let outcome = Outcome<Result>()
        let work = Task {
            do {
                outcome.settle(.success(try await body()))
            } catch {
                outcome.settle(.failure(error))
            }
        }
        let timer = Task {
            try await clock.sleep(for: limit)
            outcome.settle(.failure(ClientError(.unreachable, "no answer within \(limit)")))
        }
        defer {
            work.cancel()
            timer.cancel()
        }
        return try await withTaskCancellationHandler {
            try await outcome.value()
        } onCancel: {
            outcome.settle(.failure(CancellationError()))
        }
    }

    /// The first result, for one that waits.
    private final class Outcome<Value: Sendable>: Sendable {
        private enum State {
            case open
            case awaited(CheckedContinuation<Value, any Error>)
            case settled(Result<Value, any Error>)
        }

        // The mutex protects the state; the continuation is resumed outside of it.
        private let state = Mutex(State.open)

        func settle(_ result: Result<Value, any Error>) {
            let waiting: CheckedContinuation<Value, any Error>? = state.withLock { state in
                switch state {
                case .settled: return nil
                case .open:
                    state = .settled(result)
                    return nil
                case .awaited(let continuation):
                    state = .settled(result)
                    return continuation
                }
            }
            waiting?.resume(with: result)
        }

        func value() async throws -> Value {
            try await withCheckedThrowingContinuation { continuation in
                let known: Result<Value, any Error>? = state.withLock { state in
                    if case .settled(let result) = state { return result }
                    state = .awaited(continuation)
                    return nil
                }
                if let known { continuation.resume(with: known) }
            }
        }
    }
}
