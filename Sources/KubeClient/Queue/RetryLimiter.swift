/// How long a key that failed waits: a delay that doubles with each failure of that key.
public struct RetryLimiter<Key: Hashable & Sendable>: Sendable {
    public var initial: Duration
    public var limit: Duration
    private var failures: [Key: Int] = [:]

    /// Defaults as in client-go, except for a lower limit: a change elsewhere may repair what failed.
    public init(initial: Duration = .milliseconds(5), limit: Duration = .seconds(60)) {
        self.initial = initial
        self.limit = limit
    }

    /// Notes a failure and returns the delay before the next try.
    public mutating func failed(_ key: Key) -> Duration {
        let count = failures[key, default: 0]
        failures[key] = count + 1
        var delay = initial
        for _ in 0..<count where delay < limit { delay *= 2 }
        return min(delay, limit)
    }

    /// Failures since the last success.
    public func failureCount(_ key: Key) -> Int { failures[key] ?? 0 }

    /// Notes a success.
    public mutating func forget(_ key: Key) { failures[key] = nil }
}
