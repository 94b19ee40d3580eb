/// Whether a cache hears from its server, decided purely. Times are readings of one monotonic clock.
struct ContactState: Sendable, Equatable {
    /// The last answer or event; nil before the first.
    private(set) var lastSign: Duration?
    /// Since when nothing was heard, while attempts fail; nil as long as they succeed.
    private(set) var lostSince: Duration?
    private var firstAttempt: Duration?

    /// An answer or an event came.
    mutating func heard(at now: Duration) {
        lastSign = now
        lostSince = nil
    }

    /// A list or a watch failed, or broke.
    mutating func failed(at now: Duration) {
        if firstAttempt == nil { firstAttempt = now }
        if lostSince == nil { lostSince = lastSign ?? firstAttempt }
    }
}
