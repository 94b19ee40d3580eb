import KubeModel
import Transport

/// Counts what the relay had no room for, by Service, and decides when to tell of it: a second after the first, then at most
/// once in ten seconds, of few Services. Pure.
struct RelayCrowdingLedger: Sendable {
    enum Fate: Sendable, Hashable { case ended, refused }

    static let interval: Duration = .seconds(10)
    static let patience: Duration = .seconds(1)
    /// Services that are told of by name.
    static let told = 5
    /// Services that are counted one by one; what happens to further ones is in the sums.
    static let counted = 256

    private var services: [NamespacedName: RelayCrowding.Share] = [:]
    private var ended = 0
    private var refused = 0
    private var lastReport: MonotonicTime?
    private var isDue = false

    /// - Parameter held: how many connections that peer has to that Service.
    /// - Returns: after which time ``report(at:)`` is to be called; nil where it is going to be already.
    mutating func note(_ fate: Fate, of holder: RelayShares.Holder, held: Int, at now: MonotonicTime) -> Duration? {
        if services[holder.service] != nil || services.count < Self.counted {
            var share = services[holder.service] ?? .init(service: holder.service)
            switch fate {
            case .ended: share.ended += 1
            case .refused: share.refused += 1
            }
            if held > share.largestCount { (share.largestPeer, share.largestCount) = (holder.peer, held) }
            services[holder.service] = share
        }
        switch fate {
        case .ended: ended += 1
        case .refused: refused += 1
        }
        guard !isDue else { return nil }
        isDue = true
        guard let lastReport else { return Self.patience }
        return max(Self.patience, lastReport + Self.interval - now)
    }

    mutating func report(at now: MonotonicTime) -> RelayCrowding {
        defer {
            services = [:]
            (ended, refused) = (0, 0)
            lastReport = now
            isDue = false
        }
        let most = services.values.sorted { left, right in
            let (a, b) = (left.ended + left.refused, right.ended + right.refused)
            return a == b ? left.service < right.service : a > b
        }
        return RelayCrowding(shares: Array(most.prefix(Self.told)), ended: ended, refused: refused)
    }
}
