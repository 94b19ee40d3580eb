import System

/// Runs `body` until it ends by itself or the process is asked to end; then cancels it and waits for it to finish, so
/// that leases are released and connections drained.
func runUntilSignal(_ body: @escaping @Sendable () async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Bool.self) { group in
        group.addTask {
            try await body()
            return true
        }
        group.addTask {
            await ProcessSignals.waitForTermination()
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
