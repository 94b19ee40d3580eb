import KubeModel

/// The checks of one process: which there are, when each is due, and what its results have said so far. Pure: time and
/// chance are parameters.
///
/// The first check of a target comes at a random moment of its period, each further one a period after the last began,
/// give or take a tenth, so that checks spread and stay spread. A target begins as it was known; a turn takes
/// `failureThreshold` or `successThreshold` results in a row.
///
/// Of places that all share, for targets and for checks under way, a namespace gets another only while it has fewer than
/// are free. So one of them, with many dead endpoints, has half at most and cannot keep the others from being checked; it
/// takes some ten like it to leave a newcomer none.
struct CheckRounds: Sendable {
    /// How often and how patiently.
    struct Pace: Hashable, Sendable {
        var period: Duration
        var timeout: Duration
        var successThreshold: Int
        var failureThreshold: Int
    }

    /// A target, for one Service: two Services with the same target have two checks.
    struct Key: Hashable, Sendable {
        var service: NamespacedName
        var target: ProbeTarget
    }

    /// A check to carry out now; whoever gets it owes a ``CheckRounds/note(_:of:at:using:)``.
    struct Due: Hashable, Sendable {
        var key: Key
        var timeout: Duration
        fileprivate var id: UInt64
    }

    /// A target that changed sides.
    enum Turn: Hashable, Sendable {
        case failed(String)
        case recovered
    }

    struct Limits: Sendable {
        /// Targets of a process; one namespace gets half of them when no other has any.
        var targets = 20_000
        /// Checks under way at a time, shared in the same way.
        var underWay = 512
        /// Of these, checks of one Service, so that dead endpoints hold up their neighbours only.
        var underWayOfService = 16
    }

    private struct Entry {
        var id: UInt64
        var pace: Pace
        var state: ProbeState
        var lastFailure: String?
        var began: Duration
        var isUnderWay = false
    }

    private struct Appointment {
        var key: Key
        var id: UInt64
    }

    /// How finely time is kept.
    static let tick = Duration.milliseconds(100)
    private static let appointmentsKept = 1000

    private let limits: Limits
    private var entries: [NamespacedName: [ProbeTarget: Entry]] = [:]
    private var count = 0
    private var lastID: UInt64 = 0
    /// By tick; entries that are gone or that have moved are passed over by their id.
    private var calendar: [Int64: [Appointment]] = [:]
    private var backlog = CheckBacklog<Appointment>()
    /// Those of the calendar and of the backlog, passed over or not.
    private(set) var appointments = 0
    private var currentTick: Int64 = 0
    private var underWay: [NamespacedName: Int] = [:]
    private var underWayCount = 0
    private var targetsOfNamespace: [String: Int] = [:]
    private var underWayOfNamespace: [String: Int] = [:]

    init(limits: Limits = Limits()) { self.limits = limits }

    var isEmpty: Bool { count == 0 }

    /// Makes exactly these targets those of a Service. One that is there already goes on as it was; a new pace keeps what
    /// was found.
    ///
    /// - Parameters:
    ///   - wanted: each with whether it is known to be healthy, which counts for those that are new.
    ///   - now: since any fixed moment; never goes back.
    /// - Returns: how many there was no room for.
    @discardableResult mutating func set(
        _ wanted: [ProbeTarget: Bool], _ pace: Pace, for service: NamespacedName, at now: Duration,
        using random: inout some RandomNumberGenerator
    ) -> Int {
        var present = entries[service] ?? [:]
        for target in present.keys where wanted[target] == nil {
            present[target] = nil
            add(-1, of: service.namespace)
        }
        var refused = 0
        var first: [(key: Key, id: UInt64, at: Duration)] = []
        for (target, isHealthy) in wanted {
            let old = present[target]
            if old?.pace == pace { continue }
            if old == nil {
                guard targetsOfNamespace[service.namespace, default: 0] < limits.targets - count else {
                    refused += 1
                    continue
                }
                add(1, of: service.namespace)
            }
            lastID += 1
            present[target] = Entry(
                id: lastID, pace: pace,
                state: ProbeState(
                    successThreshold: pace.successThreshold, failureThreshold: pace.failureThreshold,
                    isReady: old?.state.isReady ?? isHealthy),
                lastFailure: old?.lastFailure, began: now)
            let phase = pace.period * Double.random(in: 0..<1, using: &random)
            first.append((Key(service: service, target: target), lastID, now + phase))
        }
        entries[service] = present.isEmpty ? nil : present
        for item in first { enter(item.key, item.id, item.at) }
        return refused
    }

    /// Forgets a Service.
    mutating func remove(_ service: NamespacedName) {
        add(-(entries.removeValue(forKey: service)?.count ?? 0), of: service.namespace)
    }

    /// The checks that have come due, as many as may be under way; the others wait for the next call.
    mutating func due(at now: Duration) -> [Due] {
        let nowTick = Self.tick(of: now)
        if calendar.isEmpty { currentTick = max(currentTick, nowTick) }
        while currentTick <= nowTick {
            for item in calendar.removeValue(forKey: currentTick) ?? [] { backlog.add(item, of: item.key.service) }
            currentTick += 1
        }
        var found: [Due] = []
        var waiting = backlog
        backlog = CheckBacklog()
        waiting.take(place: { place(for: $0) }) { item in
            appointments -= 1
            if let due = begin(item, now) { found.append(due) }
        }
        backlog = waiting
        return found
    }

    private mutating func begin(_ item: Appointment, _ now: Duration) -> Due? {
        let service = item.key.service
        guard var entry = entries[service]?[item.key.target], entry.id == item.id, !entry.isUnderWay else { return nil }
        entry.isUnderWay = true
        entry.began = now
        entries[service]?[item.key.target] = entry
        underWayCount += 1
        underWay[service, default: 0] += 1
        underWayOfNamespace[service.namespace, default: 0] += 1
        return Due(key: item.key, timeout: entry.pace.timeout, id: entry.id)
    }

    /// Notes a result. One of a target that is gone or that has another pace by now says nothing.
    ///
    /// - Parameter failure: nil for success.
    /// - Returns: the turn that it made.
    mutating func note(
        _ failure: String?, of due: Due, at now: Duration, using random: inout some RandomNumberGenerator
    ) -> Turn? {
        underWayCount -= 1
        let left = underWay[due.key.service, default: 1] - 1
        underWay[due.key.service] = left == 0 ? nil : left
        let leftOfNamespace = underWayOfNamespace[due.key.service.namespace, default: 1] - 1
        underWayOfNamespace[due.key.service.namespace] = leftOfNamespace == 0 ? nil : leftOfNamespace
        guard var entry = entries[due.key.service]?[due.key.target], entry.id == due.id else { return nil }
        let didTurn = entry.state.note(success: failure == nil)
        entry.lastFailure = failure.map { String($0.prefix(200)) }
        entry.isUnderWay = false
        let next = entry.began + entry.pace.period * Double.random(in: 0.9...1.1, using: &random)
        entries[due.key.service]?[due.key.target] = entry
        enter(due.key, entry.id, max(next, now))
        guard didTurn else { return nil }
        return entry.lastFailure.map { .failed($0) } ?? .recovered
    }

    /// Whether a target has failed often enough; false for one that is not checked.
    func isFailing(_ target: ProbeTarget, of service: NamespacedName) -> Bool {
        entries[service]?[target].map { !$0.state.isReady } ?? false
    }

    /// Whether there is room for a target, or was.
    func isChecked(_ target: ProbeTarget, of service: NamespacedName) -> Bool { entries[service]?[target] != nil }

    private mutating func add(_ change: Int, of namespace: String) {
        count += change
        let total = targetsOfNamespace[namespace, default: 0] + change
        targetsOfNamespace[namespace] = total == 0 ? nil : total
    }

    private func place(for service: NamespacedName) -> CheckBacklog<Appointment>.Place {
        guard underWayOfNamespace[service.namespace, default: 0] < limits.underWay - underWayCount else {
            return .noneForNamespace
        }
        return underWay[service, default: 0] < limits.underWayOfService ? .free : .noneForService
    }

    private mutating func enter(_ key: Key, _ id: UInt64, _ time: Duration) {
        calendar[max(Self.tick(of: time), currentTick), default: []].append(Appointment(key: key, id: id))
        appointments += 1
        // Whoever changes a check again and again leaves appointments up to a period ahead.
        if appointments > 2 * count + Self.appointmentsKept { strike() }
    }

    /// Strikes what would be passed over.
    private mutating func strike() {
        let entries = entries
        func isWanted(_ item: Appointment) -> Bool { entries[item.key.service]?[item.key.target]?.id == item.id }
        calendar = calendar.mapValues { $0.filter(isWanted) }.filter { !$0.value.isEmpty }
        backlog.keep(isWanted)
        appointments = backlog.count + calendar.values.reduce(0) { $0 + $1.count }
    }

    private static func tick(of time: Duration) -> Int64 {
        let parts = time.components
        return parts.seconds * 10 + parts.attoseconds / 100_000_000_000_000_000
    }
}
