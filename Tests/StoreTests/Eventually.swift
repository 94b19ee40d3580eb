import Testing

/// Returns when `condition` holds; the test's time limit ends it otherwise.
func eventually(_ condition: () async throws -> Bool) async rethrows {
    while try await !condition() {
        // Cancelled: the test's time is up.
        if (try? await Task.sleep(for: .milliseconds(2))) == nil { return }
    }
}
