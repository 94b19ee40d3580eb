/// So many a second and no more, with a reserve for a burst. Pure; time is a parameter.
struct TokenBucket: Sendable {
    /// A second's.
    let rate: Double
    let burst: Double
    private var tokens: Double
    private var filled: Duration = .zero

    init(rate: Double, burst: Double) {
        self.rate = rate
        self.burst = burst
        tokens = burst
    }

    /// - Parameter now: since any fixed moment.
    mutating func take(at now: Duration) -> Bool {
        if now > filled {
            tokens = min(burst, tokens + (now - filled) / .seconds(1) * rate)
            filled = now
        }
        guard tokens >= 1 else { return false }
        tokens -= 1
        return true
    }
}
