package import KubeModel

/// What the API said that the enforcer of Services has not done yet: how much, since when, and what set it off. Pure; time
/// is a parameter.
package struct SyncQueue: Sendable, Hashable {
    /// Seconds that a change may wait before the node counts as stalled: as kube-proxy's, twice its longest pause between
    /// syncs.
    package static let patience: Int64 = 60

    package struct Count: Sendable, Hashable {
        /// Since the start.
        package var total = 0
        package var pending = 0

        mutating func add() {
            total += 1
            pending += 1
        }
    }

    /// Changes of Services, and of slices, that the API told of.
    package private(set) var services = Count()
    package private(set) var endpoints = Count()
    /// When the last one came, in microseconds since 1970; 0 before the first.
    package private(set) var lastQueued: Int64 = 0
    /// Monotonic seconds since which the oldest one waits.
    private var waitingSince: Int64?
    /// The same for those that are being enforced, or were and failed.
    private var underWaySince: Int64?
    /// When the change happened that each slice's waiting state answers, the earliest of them: no more than there are slices.
    private var triggers: [NamespacedName: Int64] = [:]
    private let started: Int64

    /// - Parameter started: microseconds since 1970: what was set off before is no measure of this process.
    package init(started: Int64) { self.started = started }

    /// - Parameters:
    ///   - now: monotonic seconds.
    ///   - wallNow: microseconds since 1970.
    package mutating func addService(now: Int64, wallNow: Int64) {
        services.add()
        note(now, wallNow)
    }

    /// - Parameter trigger: when the change happened that the slice answers, in microseconds since 1970.
    package mutating func addSlice(_ key: NamespacedName, trigger: Int64?, now: Int64, wallNow: Int64) {
        endpoints.add()
        note(now, wallNow)
        guard let trigger, trigger >= started else { return }
        triggers[key] = min(triggers[key] ?? trigger, trigger)
    }

    private mutating func note(_ now: Int64, _ wallNow: Int64) {
        if waitingSince == nil { waitingSince = now }
        lastQueued = wallNow
    }

    /// What waits is about to be enforced.
    ///
    /// - Returns: when the changes happened that it answers, in microseconds since 1970.
    package mutating func take() -> [Int64] {
        (services.pending, endpoints.pending) = (0, 0)
        underWaySince = underWaySince ?? waitingSince
        waitingSince = nil
        defer { triggers = [:] }
        return Array(triggers.values)
    }

    /// What was taken is in effect.
    package mutating func finish() { underWaySince = nil }

    /// For how many seconds the oldest change waits, where that is longer than it should.
    package func stalledFor(now: Int64) -> Int64? {
        guard let since = underWaySince ?? waitingSince, now - since > Self.patience else { return nil }
        return now - since
    }
}
