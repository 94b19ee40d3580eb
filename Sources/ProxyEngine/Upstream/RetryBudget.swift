/// How many requests may be sent once more by one loop to one upstream: a share of those that come, so that endpoints that
/// fail all of them are not asked several times as often (Finagle's `RetryBudget`), and some each second, so that a few
/// requests may fail however few there are. Pure; costs nothing as long as nothing fails.
struct RetryBudget: BitwiseCopyable {
    /// Thousandths of a request for each that came.
    private static var share: Int64 { 200 }
    private static var perSecond: Int64 { 10 }
    /// What is not used up does not grow beyond it, and beyond one for each request under way: an endpoint that goes takes
    /// all of its own along.
    private static var reserve: Int64 { 100 }

    /// In thousandths of a request.
    private var balance: Int64 = 0
    private var seen: UInt64 = 0
    /// 0 before the first question.
    private var stamp: UInt64 = 0

    init() {}

    /// Whether a request may be sent once more; it is counted then.
    ///
    /// - Parameters:
    ///   - requests: that ended so far.
    ///   - underWay: requests now.
    ///   - now: nanoseconds of the loop's clock.
    mutating func take(requests: UInt64, underWay: Int32, now: UInt64) -> Bool {
        let most = (Self.reserve + Int64(max(0, underWay))) * 1000
        if stamp == 0 {
            balance = most
        } else {
            // Bounded first: a long time may have passed.
            let came = Int64(min(requests &- seen, 1_000_000))
            let elapsed = Int64(min(now > stamp ? now - stamp : 0, 60_000_000_000))
            balance = min(most, balance + came * Self.share + elapsed * Self.perSecond / 1_000_000)
        }
        seen = requests
        stamp = max(now, 1)
        guard balance >= 1000 else { return false }
        balance -= 1000
        return true
    }
}
