import Synchronization
import Testing

/// Waits for a condition by polling; records an issue when it does not come true in time.
func eventually(
    _ what: Comment = "the condition comes true", within limit: Duration = .seconds(120),
    sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(2))
    }
    Issue.record(what, sourceLocation: sourceLocation)
}

/// Runs something in the background for as long as the body lasts.
func withBackground<Result>(
    _ work: @escaping @Sendable () async throws -> Void, _ body: () async throws -> Result
) async throws -> Result {
    let task = Task { try await work() }
    defer { task.cancel() }
    return try await body()
}

/// As `#expect`, for conditions that mutate what they look at.
func verify(_ condition: Bool, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(condition, sourceLocation: sourceLocation)
}

/// A value that several tasks change.
final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in body(&value) }
    }
}
