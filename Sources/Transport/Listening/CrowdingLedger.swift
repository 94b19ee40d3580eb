/// Counts what was closed for want of room, and decides when to tell of it: a second after the first, then at most once in
/// ten seconds, however many there are. Pure.
package struct CrowdingLedger: Sendable {
    /// What happened since the last time it was told.
    package struct Report: Sendable, Hashable, CustomStringConvertible {
        package var closed: CrowdingCounts
        /// Who had the most of the connections that could make room on one loop, and how many.
        package var largestPeer: PeerKey?
        package var largestCount: Int

        /// For a line of the log.
        package var description: String {
            let counts = CrowdingReason.allCases.filter { closed[$0] > 0 }
                .map { "\($0.rawValue) \(closed[$0])" }.joined(separator: ", ")
            let largest = largestPeer.map { "; most connections: \($0) with \(largestCount)" }
            return "connections closed for want of room: \(counts)\(largest ?? "")"
        }
    }

    /// The least time between two reports.
    package static let interval: Duration = .seconds(10)
    /// From the first to its report, so that a burst is told of as a whole.
    package static let patience: Duration = .seconds(1)

    package private(set) var counts = CrowdingCounts()
    private var told = CrowdingCounts()
    private var lastReport: MonotonicTime?
    private var isDue = false
    private var largestPeer: PeerKey?
    private var largestCount = 0

    package init() {}

    /// - Parameter largest: who had the most of the connections that could make room at that time.
    /// - Returns: after which time ``report(at:)`` is to be called; nil where it is going to be already.
    package mutating func note(
        _ reason: CrowdingReason, largest: (peer: PeerKey, count: Int)?, at now: MonotonicTime
    ) -> Duration? {
        counts[reason] += 1
        if let largest, largest.count > largestCount { (largestPeer, largestCount) = (largest.peer, largest.count) }
        guard !isDue else { return nil }
        isDue = true
        guard let lastReport else { return Self.patience }
        return max(Self.patience, lastReport + Self.interval - now)
    }

    package mutating func report(at now: MonotonicTime) -> Report {
        defer {
            told = counts
            lastReport = now
            isDue = false
            (largestPeer, largestCount) = (nil, 0)
        }
        return Report(closed: counts - told, largestPeer: largestPeer, largestCount: largestCount)
    }
}
