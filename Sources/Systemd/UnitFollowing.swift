/// Decides what is asked of the bus, and when, so that what is known of some units is always what systemd last said.
///
/// Pure: events in, actions out, time as a parameter. Level-triggered: a signal says only that a unit is to be read again,
/// and everything is read again now and then. At most one read of a unit is under way.
struct UnitFollowing {
    enum Event {
        /// Exactly these units are followed from now on.
        case follow(Set<String>)
        /// The connection is begun; systemd may or may not answer.
        case opened
        /// There is no connection, or there is none any more.
        case lost(String)
        /// systemd came to the bus or left it.
        case owned(Bool)
        /// A unit's properties changed.
        case changed(path: String)
        /// A unit was loaded.
        case loaded(path: String)
        /// All unit files were read again.
        case reloaded
        case read(unit: String, UnitState)
        case readFailed(unit: String, String)
        /// Time has passed.
        case tick
    }

    enum Action: Equatable {
        case open
        case close
        case subscribe
        case read(unit: String)
        /// What is known of a unit is something else than before.
        case tell(unit: String, UnitSight)
    }

    /// For how long what was known last holds while nothing is heard: systemd is away for a moment when it replaces
    /// itself, and so is a bus that is started again.
    static let patience = Duration.seconds(5)
    /// A unit that changes without end is read no more often.
    static let readPause = Duration.milliseconds(100)
    /// Time between reads of a unit about which nothing is heard.
    static let period = Duration.seconds(30)
    static let retryPause = Duration.seconds(1)
    static let firstOpenPause = Duration.milliseconds(100)
    static let longestOpenPause = Duration.seconds(10)

    private struct Followed {
        var path: String
        /// The object under its first name, where that is another one.
        var firstPath: String?
        var isReading = false
        /// When it is to be read next.
        var readAt: Duration
        var lastRead: Duration?
        /// Since when no read has succeeded; nil while the last one did.
        var silentSince: Duration?
        var obstacle = "systemd has not answered yet"
        /// Reading a unit that is not in use loads it, of which systemd tells everybody: that is no news.
        var expectsEcho = false
        var told: UnitSight?

        mutating func fallSilent(_ reason: String, _ now: Duration) {
            silentSince = silentSince ?? now
            obstacle = reason
        }
    }

    private enum Link {
        case closed(openAt: Duration)
        case opening
        case open
    }

    private var units: [String: Followed] = [:]
    private var link = Link.closed(openAt: .zero)
    private var openPause = Self.firstOpenPause

    /// The next moment at which a ``Event/tick`` is due; nil for never.
    var deadline: Duration? {
        guard !units.isEmpty else { return nil }
        var times: [Duration] = []
        switch link {
        case .closed(let openAt): times.append(openAt)
        case .opening: break
        case .open: times += units.values.filter { !$0.isReading }.map(\.readAt)
        }
        times += units.values.compactMap { unit in
            if case .unknown = unit.told { return nil }
            return unit.silentSince.map { $0 + Self.patience }
        }
        return times.min()
    }

    mutating func handle(_ event: Event, now: Duration) -> [Action] {
        var actions: [Action] = []
        switch event {
        case .follow(let wanted): follow(wanted, now, &actions)
        case .opened:
            link = .open
            actions.append(.subscribe)
            readAll(now)
        case .lost(let reason): lose(reason, now)
        case .owned(false): silence("systemd has left the bus", now)
        case .owned(true):
            actions.append(.subscribe)
            readAll(now)
        case .changed(let path): for name in names(of: path) { readSoon(name, now) }
        case .loaded(let path):
            for name in names(of: path) {
                if units[name]?.expectsEcho == true {
                    units[name]?.expectsEcho = false
                } else {
                    readSoon(name, now)
                }
            }
        case .reloaded: readAll(now)
        case .read(let name, let state): note(name, state, now, &actions)
        case .readFailed(let name, let reason): noteFailure(name, reason, now)
        case .tick: break
        }
        advance(now, &actions)
        return actions
    }

    private mutating func follow(_ wanted: Set<String>, _ now: Duration, _ actions: inout [Action]) {
        for name in units.keys where !wanted.contains(name) { units[name] = nil }
        for name in wanted where units[name] == nil {
            units[name] = Followed(path: UnitName.objectPath(name), readAt: now, silentSince: now)
        }
        // Whoever follows nothing needs no connection.
        guard units.isEmpty else { return }
        if case .closed = link { return }
        link = .closed(openAt: now)
        openPause = Self.firstOpenPause
        actions.append(.close)
    }

    private mutating func lose(_ reason: String, _ now: Duration) {
        link = .closed(openAt: now + openPause)
        openPause = min(openPause * 2, Self.longestOpenPause)
        for name in units.keys { units[name]?.isReading = false }
        silence(reason, now)
    }

    private mutating func silence(_ reason: String, _ now: Duration) {
        for name in units.keys { units[name]?.fallSilent(reason, now) }
    }

    private mutating func readAll(_ now: Duration) { for name in units.keys { readSoon(name, now) } }

    private mutating func readSoon(_ name: String, _ now: Duration) {
        guard let unit = units[name] else { return }
        units[name]?.readAt = max(now, (unit.lastRead ?? now - Self.readPause) + Self.readPause)
    }

    private func names(of path: String) -> [String] {
        units.filter { $0.value.path == path || $0.value.firstPath == path }.map(\.key)
    }

    private mutating func note(_ name: String, _ state: UnitState, _ now: Duration, _ actions: inout [Action]) {
        guard var unit = units[name] else { return }
        unit.isReading = false
        unit.silentSince = nil
        unit.expectsEcho = state.activeState == "inactive" || state.activeState == "failed"
        unit.firstPath = state.id == name || state.id.isEmpty ? nil : UnitName.objectPath(state.id)
        openPause = Self.firstOpenPause
        units[name] = unit
        tell(name, .known(state), &actions)
    }

    private mutating func noteFailure(_ name: String, _ reason: String, _ now: Duration) {
        guard units[name] != nil else { return }
        units[name]?.isReading = false
        units[name]?.fallSilent(reason, now)
        units[name]?.readAt = now + Self.retryPause
    }

    private mutating func tell(_ name: String, _ sight: UnitSight, _ actions: inout [Action]) {
        guard units[name]?.told != sight else { return }
        units[name]?.told = sight
        actions.append(.tell(unit: name, sight))
    }

    /// Does what is due.
    private mutating func advance(_ now: Duration, _ actions: inout [Action]) {
        guard !units.isEmpty else { return }
        switch link {
        case .closed(let openAt):
            guard openAt <= now else { break }
            // Answered by `opened` or `lost`.
            link = .opening
            actions.append(.open)
        case .opening: break
        case .open:
            for (name, unit) in units where !unit.isReading && unit.readAt <= now {
                units[name]?.isReading = true
                units[name]?.lastRead = now
                units[name]?.readAt = now + Self.period
                actions.append(.read(unit: name))
            }
        }
        for (name, unit) in units {
            guard let since = unit.silentSince, since + Self.patience <= now else { continue }
            if case .unknown = unit.told { continue }
            tell(name, .unknown(unit.obstacle), &actions)
        }
    }
}
