/// Judges whether a peer takes what it is sent: while something is pending, it has to take a few bytes in every period.
/// Whoever takes nothing, or a byte now and then, would hold the answer's memory and its place for ever. Pure.
struct DeliveryPace: Sendable {
    /// The least that a peer takes in a period, when so much is pending.
    static let minimum = 16 << 10

    private var began: MonotonicTime?
    private var sentAtBegin = 0
    private var wanted = 0

    /// Looks at a delivery, about once a second.
    /// - Parameters:
    ///   - pending: Bytes that wait for the peer.
    ///   - sent: Bytes that it has taken since the beginning.
    mutating func isTooSlow(pending: Int, sent: Int, period: Duration, now: MonotonicTime) -> Bool {
        guard pending > 0 else {
            began = nil
            return false
        }
        guard let began else {
            restart(pending, sent, now)
            return false
        }
        if sent - sentAtBegin >= wanted {
            restart(pending, sent, now)
            return false
        }
        return now - began >= period
    }

    private mutating func restart(_ pending: Int, _ sent: Int, _ now: MonotonicTime) {
        began = now
        sentAtBegin = sent
        wanted = min(pending, Self.minimum)
    }
}
