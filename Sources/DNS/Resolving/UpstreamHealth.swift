/// What is known of one upstream server. Times are milliseconds of a monotonic clock. Pure.
struct UpstreamHealth: Sendable {
    /// How often a server that is down is asked whether it is back.
    static let probePause: UInt64 = 500

    private(set) var failuresInARow = 0
    /// The smoothed time of an answer (RFC 6298); nil before the first.
    private(set) var roundTrip: UInt64?
    var nextProbe: UInt64 = 0
    var isProbing = false

    func isDown(after maximum: Int) -> Bool { maximum > 0 && failuresInARow >= maximum }

    mutating func succeeded(after elapsed: UInt64) {
        failuresInARow = 0
        roundTrip = roundTrip.map { ($0 * 7 + elapsed) / 8 } ?? elapsed
    }

    mutating func failed(now: UInt64) {
        failuresInARow += 1
        nextProbe = now + Self.probePause
    }

    /// How long to wait for it before another one is asked as well.
    var patience: UInt64 { roundTrip.map { min(max($0 * 4, 40), 400) } ?? 300 }
}
