/// A clock whose readings are durations since a fixed moment of its own, so that what decides by time can be pure and
/// the clock any: the machine's in production, one that tests turn by hand.
public struct MonotonicClock: Sendable {
    private let read: @Sendable () -> Duration
    private let wait: @Sendable (Duration) async throws -> Void

    /// - Parameter clock: what is read and slept by.
    public init(_ clock: any Clock<Duration> = ContinuousClock()) {
        self.init(opening: clock)
    }

    private init<C: Clock>(opening clock: C) where C.Duration == Duration {
        let start = clock.now
        read = { start.duration(to: clock.now) }
        wait = { try await clock.sleep(until: clock.now.advanced(by: $0), tolerance: nil) }
    }

    public var now: Duration { read() }

    /// Returns once so much time has passed; throws `CancellationError` when the task is cancelled before.
    public func sleep(for duration: Duration) async throws { try await wait(duration) }

    /// Sleeps until a reading; at once for one that has passed.
    public func sleep(until reading: Duration) async throws {
        let rest = reading - now
        if rest > .zero { try await wait(rest) } else { try Task.checkCancellation() }
    }
}
