import Glibc
import System

/// Runs a `SupervisionPlan`: spawns, signals and restarts the children, and prints what a person wants to know.
@MainActor
final class Supervisor {
    struct ChildSpecification {
        let name: String
        let stage: Int
        let arguments: [String]
    }

    enum Incoming: Sendable {
        case signal(Int32)
        case notification(NotificationSocket.Message)
        case plan(SupervisionPlan.Event)
        case tick
    }

    private let specifications: [ChildSpecification]
    private let logDirectory: String
    private let executable = ChildProcess.ownExecutable()
    private var plan: SupervisionPlan
    private var running: [String: pid_t] = [:]
    private var statuses: [String: String] = [:]
    private let events: AsyncStream<Incoming>
    private let continuation: AsyncStream<Incoming>.Continuation
    private let startedAt = Supervisor.now()
    private var announcedReady = false
    private var failure: String?
    /// How each child ended that did.
    private var endings: [String: String] = [:]
    /// What children are asked to end with.
    private var endSignal = SIGTERM

    /// Called once, when every child is ready, with the time it took.
    var onReady: (Duration) -> Void = { _ in }
    /// Called with a sentence that a process has for the user.
    var onNotice: (String, String) -> Void = { _, _ in }
    /// Called when a status text or the set of running processes changed, and once a second.
    var onStatus: ([String: String], [pid_t], Int) -> Void = { _, _, _ in }
    /// Called when a child ended unexpectedly.
    var onExit: (String, Int32) -> Void = { _, _ in }

    init(specifications: [ChildSpecification], logDirectory: String) {
        self.specifications = specifications
        self.logDirectory = logDirectory
        plan = SupervisionPlan(children: specifications.map { .init(name: $0.name, stage: $0.stage) })
        (events, continuation) = AsyncStream<Incoming>.makeStream()
    }

    /// Returns when every child has ended: nil after an asked-for stop, else the name of the child that failed to start.
    func run(notifications: NotificationSocket) async -> String? {
        setenv("NOTIFY_SOCKET", notifications.path, 1)
        let continuation = continuation
        let signals = ProcessSignals.stream()
        Task.detached {
            for await number in signals { continuation.yield(.signal(number)) }
        }
        // Without a thread to hear them no child would ever be ready: that ends as its start's timeout.
        try? BackgroundThread(name: "notifications") {
            while let message = notifications.receive() { continuation.yield(.notification(message)) }
        }.detach()
        let ticker = Task.detached {
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(1))
                continuation.yield(.tick)
            }
        }
        defer { ticker.cancel() }

        var finished = perform(plan.handle(.begin, now: Self.now()))
        var iterator = events.makeAsyncIterator()
        while !finished, let event = await iterator.next(isolation: #isolation) {
            finished = receive(event)
        }
        return failure
    }

    private func receive(_ event: Incoming) -> Bool {
        switch event {
        case .signal(SIGINT):
            // An end for good, as far as children tell it from a restart.
            endSignal = SIGINT
            return apply(.stopRequested)
        case .signal(SIGTERM), .signal(SIGHUP):
            return apply(.stopRequested)
        case .signal(SIGCHLD):
            return reap()
        case .signal:
            return false
        case .notification(let message):
            // Whoever is not one of ours has nothing to say here.
            guard let name = running.first(where: { $0.value == message.sender })?.key else { return false }
            if let notice = message.notice { onNotice(name, notice) }
            if let status = message.status { statuses[name] = status }
            let finished = message.isReady ? apply(.ready(name: name)) : false
            if plan.isReady && !announcedReady {
                announcedReady = true
                onReady(Self.now() - startedAt)
            }
            reportStatus()
            return finished
        case .plan(let event):
            return apply(event)
        case .tick:
            reportStatus()
            return false
        }
    }

    private func apply(_ event: SupervisionPlan.Event) -> Bool {
        perform(plan.handle(event, now: Self.now()))
    }

    /// True when the family has ended.
    private func perform(_ actions: [SupervisionPlan.Action]) -> Bool {
        for action in actions {
            switch action {
            case .start(let name): start(name)
            case .restart(let name, let pause): schedule(.restartDue(name: name), after: pause)
            case .terminate(let name): send(endSignal, to: name)
            case .kill(let name): send(SIGKILL, to: name)
            case .scheduleKill(let name, let pause): schedule(.killDue(name: name), after: pause)
            case .finish(let failed):
                failure = failed
                return true
            }
        }
        return false
    }

    private func start(_ name: String) {
        guard let specification = specifications.first(where: { $0.name == name }) else { return }
        do throws(ChildProcess.SpawnError) {
            let child = try ChildProcess.spawn(
                name: name, executable: executable, arguments: specification.arguments, logPath: logPath(name))
            running[name] = child.pid
        } catch {
            Terminal.error("\(error)")
            schedule(.exited(name: name, code: -1), after: .zero)
        }
    }

    private func reap() -> Bool {
        for (name, pid) in running {
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { continue }
            running[name] = nil
            statuses[name] = nil
            let signal = status & 0x7f
            let code = signal == 0 ? (status >> 8) & 0xff : 128 + signal
            let actions = plan.handle(.exited(name: name, code: code), now: Self.now())
            endings[name] = Self.cause(code)
            if actions.contains(where: { if case .restart = $0 { true } else { false } }) { onExit(name, code) }
            if perform(actions) { return true }
        }
        return false
    }

    /// In words, as `waitpid` tells it: 128 and more are signals.
    static func cause(_ code: Int32) -> String { code > 128 ? "by signal \(code - 128)" : "with status \(code)" }

    /// How a child ended last; nil where it never ran.
    func ending(of name: String) -> String? { endings[name] }

    func logPath(_ name: String) -> String { "\(logDirectory)/\(name).log" }

    private func send(_ number: Int32, to name: String) {
        if let pid = running[name] { kill(pid, number) }
    }

    private func schedule(_ event: SupervisionPlan.Event, after pause: Duration) {
        let continuation = continuation
        Task.detached {
            // A cancelled sleep only happens when the process ends.
            try? await Task.sleep(for: pause)
            continuation.yield(.plan(event))
        }
    }

    private func reportStatus() {
        guard plan.isReady else { return }
        onStatus(statuses, Array(running.values), plan.restarts)
    }

    private static func now() -> Duration {
        .nanoseconds(MonotonicClock.nanoseconds)
    }
}
