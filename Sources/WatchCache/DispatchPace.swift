/// When the live thread shows changes to the watches of one cache: the first at once, and while changes keep coming
/// everything that gathers meanwhile together. A write to a client's connection costs far more than what is in it, so the
/// more watches there are, the longer it rests.
struct DispatchPace: Sendable {
    /// From the beginning of one round to that of the next, whatever the number of watches. Microseconds.
    static let interval: ClosedRange<Int64> = 1000...100_000
    /// What each watch adds. Microseconds.
    static let intervalPerWatch: Int64 = 50

    private var next: Int64 = 0

    /// - Parameter now: microseconds (`MonotonicClock.microseconds`).
    /// - Returns: when the next round may begin; nil: now.
    func rest(at now: Int64) -> Int64? { now < next ? next : nil }

    mutating func roundBegan(at now: Int64, watches: Int) {
        let wanted = Int64(watches) * Self.intervalPerWatch
        next = now + min(max(wanted, Self.interval.lowerBound), Self.interval.upperBound)
    }
}
