/// Delays that grow by doubling up to a limit, with random jitter so that many clients do not come back at once.
public struct Backoff: Sendable {
    public var initial: Duration
    public var limit: Duration
    /// Up to this fraction is added to each delay.
    public var jitter: Double
    private var attempts = 0

    public init(initial: Duration = .milliseconds(100), limit: Duration = .seconds(30), jitter: Double = 0.5) {
        self.initial = initial
        self.limit = limit
        self.jitter = jitter
    }

    /// The next delay, between the nominal one and `1 + jitter` times it.
    public mutating func next() -> Duration {
        next(random: Double.random(in: 0..<1))
    }

    /// As `next()`, with the random number in 0..<1 given.
    mutating func next(random: Double) -> Duration {
        var delay = initial
        for _ in 0..<attempts where delay < limit { delay *= 2 }
        attempts += 1
        return min(delay, limit) * (1 + jitter * random)
    }

    /// Begins again with the initial delay.
    public mutating func reset() { attempts = 0 }
}
