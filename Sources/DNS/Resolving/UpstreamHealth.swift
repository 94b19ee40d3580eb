/// What is known of one upstream server. Times are milliseconds of a monotonic clock. Pure.
struct UpstreamHealth: Sendable {
    /// How soon a server that is down is asked whether it is back; then twice as long each time, up to the longest pause.
    static let firstProbePause: UInt64 = 500
    static let longestProbePause: UInt64 = 30_000

    private(set) var failuresInARow = 0
    /// The smoothed time of an answer (RFC 6298); nil before the first.
    private(set) var roundTrip: UInt64?
    private(set) var nextProbe: UInt64 = 0
    var isProbing = false
    private var probePause = UpstreamHealth.firstProbePause

    func isDown(after maximum: Int) -> Bool { maximum > 0 && failuresInARow >= maximum }

    mutating func succeeded(after elapsed: UInt64) {
        failuresInARow = 0
        probePause = Self.firstProbePause
        roundTrip = roundTrip.map { ($0 * 7 + elapsed) / 8 } ?? elapsed
    }

    mutating func failed(now: UInt64) {
        failuresInARow += 1
        // Questions that fail meanwhile do not put the next probe off.
        if now >= nextProbe { nextProbe = now + probePause }
    }

    mutating func probed(now: UInt64) {
        isProbing = true
        probePause = min(probePause * 2, Self.longestProbePause)
        nextProbe = now + probePause
    }

    /// How long to wait for it before another one is asked as well.
    var patience: UInt64 { roundTrip.map { min(max($0 * 4, 40), 400) } ?? 300 }
}
