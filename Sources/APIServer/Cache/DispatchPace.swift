/// When the live thread shows changes to the watches of one cache: the first at once, and while changes keep coming
/// everything that gathers in a millisecond together. A write to a client's connection costs far more than what is in it.
struct DispatchPace: Sendable {
    /// Microseconds from the beginning of one round to that of the next.
    static let interval: Int64 = 1000

    private var next: Int64 = 0

    /// - Parameter now: microseconds (`MonotonicClock.microseconds`).
    /// - Returns: when the next round may begin; nil: now.
    func rest(at now: Int64) -> Int64? { now < next ? next : nil }

    mutating func roundBegan(at now: Int64) { next = now + Self.interval }
}
