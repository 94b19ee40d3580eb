internal import Glibc

/// How long an endpoint's answers are awaited: a moving average that goes up to a peak at once and comes down from it with
/// time, so that an endpoint that has become slow is avoided with its first slow answer (Twitter's Finagle,
/// `p2cPeakEwma`). Pure.
struct PeakEWMA: BitwiseCopyable {
    /// Nanoseconds until an average has come down to 1/e.
    static var decay: Double { 10e9 }
    /// What one is taken for that has not been measured and has a request already: that one will tell.
    private static var unknown: Double { 1e12 }
    /// A failure, however quick, is no fast answer.
    static var failure: UInt64 { 1_000_000_000 }

    private var nanoseconds = 0.0
    private var stamp: UInt64 = 0

    init() {}

    /// An answer began, `elapsed` nanoseconds after it was asked for.
    mutating func observe(_ elapsed: UInt64, now: UInt64) {
        let sample = Double(max(1, elapsed))
        let kept = weight(now)
        nanoseconds = sample > nanoseconds * kept ? sample : nanoseconds * kept + sample * (1 - kept)
        stamp = max(stamp, now, 1)
    }

    /// What it costs to ask an endpoint that has `outstanding` requests.
    func cost(outstanding: Int32, now: UInt64) -> Double {
        if stamp == 0 { return outstanding == 0 ? 0 : Self.unknown + Double(outstanding) }
        return nanoseconds * weight(now) * Double(outstanding + 1)
    }

    private func weight(_ now: UInt64) -> Double { now > stamp ? exp(-Double(now - stamp) / Self.decay) : 1 }
}
