import System

/// Runs `body` until it ends by itself or the process is asked to end; then cancels it and waits for it to finish, so
/// that leases are released and connections drained.
///
/// - Parameter onSignal: called with the signal before `body` is cancelled.
func runUntilSignal(
    onSignal: @escaping @Sendable (Int32) -> Void = { _ in }, _ body: @escaping @Sendable () async throws -> Void
) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await body()
            return true
        }
        group.addTask {
            if let signal = await ProcessSignals.waitForTermination() { onSignal(signal) }
            return false
        }
        _ = try await group.next()
        group.cancelAll()
        do {
            while try await group.next() != nil {}
        } catch is CancellationError {
            // The body was told to stop and said so.
        }
    }
}
