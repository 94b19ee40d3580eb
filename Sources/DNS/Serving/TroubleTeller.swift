import Synchronization

/// Tells a log about the troubles with upstream servers, each cause once for all loops.
final class TroubleTeller: Sendable {
    private let log: (any UpstreamLog)?
    private let troubles = Mutex(UpstreamTroubles())
    private let zones = Mutex<[ForwardedZone]>([])

    init(_ log: (any UpstreamLog)?) { self.log = log }

    /// - Parameter now: seconds of a monotonic clock.
    func record(_ trouble: UpstreamTrouble, now: UInt32) {
        guard let log, troubles.withLock({ $0.isNews(trouble, now: now) }) else { return }
        log.record(trouble)
    }

    /// Others are asked from now on, or in another way.
    func setZones(_ new: [ForwardedZone]) {
        let isOther = zones.withLock { zones in
            defer { zones = new }
            return zones != new
        }
        if isOther { troubles.withLock { $0.forget() } }
    }
}
