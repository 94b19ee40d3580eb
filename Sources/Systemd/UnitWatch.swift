internal import CLinux
internal import CSystemd
internal import Glibc
internal import Synchronization
package import System

/// Follows units over D-Bus, on a thread of its own, from when there is one to follow. Connects again by itself.
package final class UnitWatch: Sendable {
    /// What is known of a unit is something else than before.
    package typealias Report = @Sendable (_ unit: String, UnitSight) -> Void

    private struct Order {
        var wanted: Set<String> = []
        var isNew = false
        var isRunning = false
        var isStopped = false
    }

    private let kind: UnitBusKind
    private let report: Report
    private let order = Mutex(Order())
    private let wake: Descriptor

    /// - Parameter report: called on the watch's thread, once for each change.
    package init(_ kind: UnitBusKind, report: @escaping Report) throws(SystemError) {
        self.kind = kind
        self.report = report
        wake = Descriptor(number: martlet_eventfd())
        guard wake.number >= 0 else { throw SystemError("make an eventfd", number: errno) }
    }

    /// Exactly these units are followed from now on: names that are valid, as many as the caller bounds them to.
    ///
    /// - Throws: when the system has no thread to give.
    package func follow(_ units: Set<String>) throws(SystemError) {
        let needsThread = order.withLock { order in
            order.isNew = order.isNew || order.wanted != units
            order.wanted = units
            let needsThread = !order.isRunning && !units.isEmpty && !order.isStopped
            if needsThread { order.isRunning = true }
            return needsThread
        }
        guard needsThread else { return wake.raise() }
        do throws(SystemError) {
            try BackgroundThread(name: "units") { [self] in UnitBusSession(watch: self, kind, report).run() }.detach()
        } catch {
            order.withLock { $0.isRunning = false }
            throw error
        }
    }

    /// Ends the thread.
    package func stop() {
        order.withLock { $0.isStopped = true }
        wake.raise()
    }

    /// What is wanted, if that is something else than before; nil in `isStopped` ends the thread.
    fileprivate func takeOrder() -> (wanted: Set<String>?, isStopped: Bool) {
        order.withLock { order in
            defer { order.isNew = false }
            return (order.isNew ? order.wanted : nil, order.isStopped)
        }
    }

    /// Waits until the bus has something, an order is there or the time is over.
    fileprivate func wait(_ bus: (descriptor: Int32, events: Int16)?, milliseconds: Int32) {
        var polled = [pollfd(fd: wake.number, events: Int16(POLLIN), revents: 0)]
        if let bus { polled.append(pollfd(fd: bus.descriptor, events: bus.events, revents: 0)) }
        guard poll(&polled, nfds_t(polled.count), milliseconds) > 0, polled[0].revents != 0 else { return }
        wake.lower()
    }

    /// An eventfd, closed with its owner.
    private final class Descriptor: Sendable {
        let number: Int32

        init(number: Int32) { self.number = number }

        deinit { if number >= 0 { close(number) } }

        func raise() {
            var one: UInt64 = 1
            // Full is as good as raised.
            _ = write(number, &one, MemoryLayout<UInt64>.size)
        }

        func lower() {
            var count: UInt64 = 0
            _ = read(number, &count, MemoryLayout<UInt64>.size)
        }
    }
}

/// Performs a ``UnitFollowing`` on the bus. Lives on one thread, which alone touches it.
private final class UnitBusSession {
    /// How long an answer may take.
    private static let answerTime: UInt64 = 5_000_000

    private let watch: UnitWatch
    private let kind: UnitBusKind
    private let report: UnitWatch.Report
    private var following = UnitFollowing()
    private var bus: OpaquePointer?
    private var isLost = false
    /// The units that are read, by the number of the request.
    private var requests: [UInt64: String] = [:]
    private var lastRequest: UInt64 = 0
    /// What came while the bus was processed.
    private var events: [UnitFollowing.Event] = []

    init(watch: UnitWatch, _ kind: UnitBusKind, _ report: @escaping UnitWatch.Report) {
        self.watch = watch
        self.kind = kind
        self.report = report
    }

    private var now: Duration { .nanoseconds(MonotonicClock.nanoseconds) }

    func run() {
        martlet_block_sigpipe()
        while true {
            let order = watch.takeOrder()
            if order.isStopped { break }
            if let wanted = order.wanted { handle(.follow(wanted)) }
            if let bus, martlet_bus_process(bus) < 0 { lose("the connection to D-Bus is lost") }
            drain()
            handle(.tick)
            // What the last actions led to may move the deadline.
            drain()
            pause()
        }
        disconnect()
    }

    private func pause() {
        var milliseconds: Int32 = -1
        if let deadline = following.deadline {
            let (seconds, attoseconds) = max(.zero, deadline - now).components
            milliseconds = Int32(clamping: seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000)
        }
        guard let bus else { return watch.wait(nil, milliseconds: milliseconds) }
        var (descriptor, timeout): (Int32, Int32) = (-1, -1)
        var wanted: Int16 = 0
        guard martlet_bus_wait_for(bus, &descriptor, &wanted, &timeout) == 0 else {
            lose("the connection to D-Bus is lost")
            return drain()
        }
        if timeout >= 0 { milliseconds = milliseconds < 0 ? timeout : min(milliseconds, timeout) }
        watch.wait((descriptor, wanted), milliseconds: milliseconds)
    }

    private func drain() {
        while !events.isEmpty {
            let batch = events
            events = []
            for event in batch { handle(event) }
        }
    }

    private func handle(_ event: UnitFollowing.Event) {
        for action in following.handle(event, now: now) {
            switch action {
            case .open: open()
            case .close: disconnect()
            case .subscribe: if let bus, martlet_bus_subscribe(bus) < 0 { lose("the connection to D-Bus is lost") }
            case .read(let unit): read(unit)
            case .tell(let unit, let sight): report(unit, sight)
            }
        }
    }

    private func lose(_ reason: String) {
        disconnect()
        events.append(.lost(reason))
    }

    private func disconnect() {
        if let bus { martlet_bus_close(bus) }
        bus = nil
        requests = [:]
    }

    private func open() {
        if let problem = martlet_systemd_open() {
            events.append(.lost("libsystemd is not there: \(String(cString: problem))"))
            return
        }
        var handlers = martlet_bus_handlers()
        handlers.context = Unmanaged.passUnretained(self).toOpaque()
        handlers.changed = { session($0).came { .changed(path: $0) }($1) }
        handlers.loaded = { session($0).came { .loaded(path: $0) }($1) }
        handlers.reloaded = { session($0).events.append(.reloaded) }
        handlers.owned = { session($0).events.append(.owned($1 != 0)) }
        handlers.answered = { session($0).answered($1, $2, $3) }
        let code = martlet_bus_open(kind == .user ? 1 : 0, &handlers, &bus)
        if code == 0 {
            events.append(.opened)
        } else {
            events.append(.lost("there is no connection to D-Bus: \(String(cString: strerror(-code)))"))
        }
    }

    private func came(_ event: @escaping (String) -> UnitFollowing.Event) -> (UnsafePointer<CChar>?) -> Void {
        { [self] path in
            if let path { events.append(event(String(cString: path))) }
        }
    }

    private func read(_ unit: String) {
        guard let bus else { return }
        lastRequest += 1
        requests[lastRequest] = unit
        let code = martlet_bus_read(bus, UnitName.objectPath(unit), lastRequest, Self.answerTime)
        guard code < 0 else { return }
        requests[lastRequest] = nil
        events.append(.readFailed(unit: unit, "systemd cannot be asked: \(String(cString: strerror(-code)))"))
    }

    private func answered(_ number: UInt64, _ unit: UnsafePointer<martlet_unit>?, _ problem: UnsafePointer<CChar>?) {
        guard let name = requests.removeValue(forKey: number) else { return }
        if let unit {
            events.append(.read(unit: name, UnitState(unit)))
        } else {
            let words = problem.map { String(cString: $0) } ?? "it does not answer"
            events.append(.readFailed(unit: name, "systemd does not say: \(words)"))
        }
    }
}

/// What the bus calls back with is the session, which outlives the connection.
private func session(_ context: UnsafeMutableRawPointer?) -> UnitBusSession {
    guard let context else { preconditionFailure("handlers are called with the context they were given") }
    return Unmanaged<UnitBusSession>.fromOpaque(context).takeUnretainedValue()
}

extension UnitState {
    fileprivate init(_ unit: UnsafePointer<martlet_unit>) {
        func text<Field>(_ field: KeyPath<martlet_unit, Field>) -> String {
            withUnsafeBytes(of: unit.pointee[keyPath: field]) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
        }
        let invocation = withUnsafeBytes(of: unit.pointee.invocation) { Array($0) }
        self.init(
            id: text(\.id), loadState: text(\.load_state), activeState: text(\.active_state),
            subState: text(\.sub_state), result: text(\.result),
            invocation: invocation.allSatisfy { $0 == 0 } ? [] : invocation, activeSince: unit.pointee.active_since)
    }
}
