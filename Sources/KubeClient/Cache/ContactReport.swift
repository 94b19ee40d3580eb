/// Decides when it is worth saying that a server is out of contact, and that it is back: once each, and not for the
/// moment that a restart takes.
struct ContactReport: Sendable {
    enum News: Equatable, Sendable {
        /// Nothing was heard for so long.
        case lost(for: Duration)
        /// It was away for so long.
        case regained(after: Duration)
    }

    /// Shorter absences are not told.
    let grace: Duration
    private var toldSince: Duration?

    init(grace: Duration = .seconds(5)) { self.grace = grace }

    /// - Parameter lostSince: the earliest time since which a cache is out of contact; nil when none is.
    mutating func look(lostSince: Duration?, at now: Duration) -> News? {
        guard let lostSince else {
            defer { toldSince = nil }
            return toldSince.map { .regained(after: now - $0) }
        }
        guard toldSince == nil, now - lostSince >= grace else { return nil }
        toldSince = lostSince
        return .lost(for: now - lostSince)
    }
}
