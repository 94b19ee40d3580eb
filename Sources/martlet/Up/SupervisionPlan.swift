/// Decides what `martlet up` does with its children: start order, restarts with growing pauses, and an orderly stop.
///
/// Pure: events in, actions out, time as a parameter. The runner (`Supervisor`) spawns, signals and sleeps.
///
/// - Children start stage by stage: a stage starts when every child of the stage before is ready.
/// - A child that ends is started again after a pause that doubles from 100 ms to 10 s and falls back to 100 ms once
///   the child has lived for 10 s.
/// - A child that ends before it was ever ready ends the whole family: its configuration is at fault (an occupied port,
///   a wrong file), and starting it again would hide the reason.
/// - Stopping goes through the stages backwards; a child that has not ended 10 s after SIGTERM gets SIGKILL.
struct SupervisionPlan {
    struct Child: Equatable {
        let name: String
        let stage: Int
    }

    enum Event: Equatable {
        case begin
        case ready(name: String)
        case exited(name: String, code: Int32)
        case restartDue(name: String)
        case killDue(name: String)
        case stopRequested
    }

    enum Action: Equatable {
        case start(name: String)
        case restart(name: String, after: Duration)
        case terminate(name: String)
        case kill(name: String)
        case scheduleKill(name: String, after: Duration)
        case finish(failed: String?)
    }

    static let shortestPause: Duration = .milliseconds(100)
    static let longestPause: Duration = .seconds(10)
    static let steadyAfter: Duration = .seconds(10)
    static let killAfter: Duration = .seconds(10)

    private enum Phase: Equatable { case waiting, running, ready, pausing, ended }

    private struct State {
        let child: Child
        var phase: Phase = .waiting
        var startedAt: Duration = .zero
        var pause: Duration = SupervisionPlan.shortestPause
        var restarts = 0
        var wasReady = false
        var isAlive: Bool { phase == .running || phase == .ready }
    }

    private var states: [State]
    private var stopping = false
    private var finished = false
    private var failed: String?

    init(children: [Child]) {
        states = children.map { State(child: $0) }
    }

    /// How often each child was started again.
    var restarts: Int { states.reduce(0) { $0 + $1.restarts } }
    var isReady: Bool { states.allSatisfy { $0.phase == .ready } }

    /// `now` is any monotonic reading.
    mutating func handle(_ event: Event, now: Duration) -> [Action] {
        if finished { return [] }
        switch event {
        case .begin: return startStage(0, now: now)
        case .ready(let name): return becameReady(name, now: now)
        case .exited(let name, _): return exited(name, now: now)
        case .restartDue(let name): return restart(name, now: now)
        case .killDue(let name): return isAlive(name) ? [.kill(name: name)] : []
        case .stopRequested: return stop()
        }
    }

    private mutating func startStage(_ stage: Int, now: Duration) -> [Action] {
        var actions: [Action] = []
        for index in states.indices where states[index].child.stage == stage && states[index].phase == .waiting {
            states[index].phase = .running
            states[index].startedAt = now
            actions.append(.start(name: states[index].child.name))
        }
        return actions
    }

    private mutating func becameReady(_ name: String, now: Duration) -> [Action] {
        guard let index = index(of: name), states[index].phase == .running else { return [] }
        states[index].phase = .ready
        states[index].wasReady = true
        let stage = states[index].child.stage
        guard !stopping, states.allSatisfy({ $0.child.stage != stage || $0.phase == .ready }) else { return [] }
        return startStage(stage + 1, now: now)
    }

    private mutating func exited(_ name: String, now: Duration) -> [Action] {
        guard let index = index(of: name), states[index].isAlive else { return [] }
        if stopping {
            states[index].phase = .ended
            return continueStop()
        }
        if !states[index].wasReady {
            states[index].phase = .ended
            failed = name
            return stop()
        }
        if now - states[index].startedAt >= Self.steadyAfter { states[index].pause = Self.shortestPause }
        let pause = states[index].pause
        states[index].pause = min(pause * 2, Self.longestPause)
        states[index].phase = .pausing
        return [.restart(name: name, after: pause)]
    }

    private mutating func restart(_ name: String, now: Duration) -> [Action] {
        guard let index = index(of: name), states[index].phase == .pausing else { return [] }
        states[index].phase = .running
        states[index].startedAt = now
        states[index].restarts += 1
        return [.start(name: name)]
    }

    private mutating func stop() -> [Action] {
        guard !stopping else { return [] }
        stopping = true
        for index in states.indices where !states[index].isAlive { states[index].phase = .ended }
        return continueStop()
    }

    /// Signals the highest stage that still lives, or finishes when none does.
    private mutating func continueStop() -> [Action] {
        guard let stage = states.filter(\.isAlive).map(\.child.stage).max() else {
            finished = true
            return [.finish(failed: failed)]
        }
        if let last = signalledStage, last <= stage { return [] }
        signalledStage = stage
        return states.filter { $0.isAlive && $0.child.stage == stage }.flatMap {
            [.terminate(name: $0.child.name), .scheduleKill(name: $0.child.name, after: Self.killAfter)] as [Action]
        }
    }

    private var signalledStage: Int?

    private func index(of name: String) -> Int? { states.firstIndex { $0.child.name == name } }
    private func isAlive(_ name: String) -> Bool { index(of: name).map { states[$0].isAlive } ?? false }
}
