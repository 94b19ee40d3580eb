import KubeClient
import KubeModel
import Logging
import Synchronization
import System
import Systemd

/// Says of the Pods of this node that stand for systemd units whether those are active. Readiness itself is decided where
/// probes are run: the Pod registration controller takes the condition for one of the Pod's gates.
final class UnitFront: Sendable {
    private static let byUnit = "unit"
    /// A unit that comes and goes without end is said to be back no more often; that it has gone is said at once.
    private static let writePause = Duration.milliseconds(500)

    private struct State {
        var choice = UnitChoice()
        var sights: [String: UnitSight] = [:]
        /// Why no unit is followed.
        var obstacle: String?
        var lastWrites: [NamespacedName: ContinuousClock.Instant] = [:]
    }

    private let node: String
    private let kind: UnitBusKind
    private let client: APIClient
    private let logger: Logger
    private let pods: Informer<KeptPod>
    private let queue = WorkQueue<NamespacedName>()
    private let state = Mutex(State())

    init(node: String, kind: UnitBusKind, client: APIClient, informers: InformerSet, logger: Logger) {
        self.node = node
        self.kind = kind
        self.client = client
        self.logger = logger
        pods = informers.informer(
            for: KeptPod.self, where: "spec.nodeName=\(node)",
            indexes: [Self.byUnit: { pod in pod.isOver ? [] : pod.unit.map { [$0] } ?? [] }])
    }

    /// Works until cancelled.
    func run(_ recorder: EventRecorder) async throws {
        let watch: UnitWatch
        do throws(SystemError) {
            watch = try UnitWatch(kind) { [self] unit, sight in learn(unit, sight) }
        } catch {
            logger.error("no systemd unit is followed: \(error)")
            return
        }
        defer { watch.stop() }
        pods.addHandler { [self] change in
            var isConcerned = change.object.unit != nil || change.object.condition != nil
            if case .updated(let old, let new) = change, old.unit != new.unit { isConcerned = true }
            guard isConcerned else { return }
            choose(watch)
            queue.add(change.key)
        }
        try await ControllerLoop(name: "units", queue: queue, workers: 2, logger: logger) { [self] key in
            try await reconcile(key, recorder)
        }.run(after: [pods])
    }

    private func choose(_ watch: UnitWatch) {
        let wanted = Set(pods.store.values(ofIndex: Self.byUnit).filter(PodUnit.isName))
        let chosen = state.withLock { state -> Set<String>? in
            guard state.choice.choose(among: wanted) else { return nil }
            state.sights = state.sights.filter { state.choice.followed.contains($0.key) }
            return state.choice.followed
        }
        guard let chosen else { return }
        do throws(SystemError) {
            try watch.follow(chosen)
        } catch {
            state.withLock { $0.obstacle = "\(error)" }
            logger.error("systemd units are not followed: \(error)")
        }
        // Where one goes, another one may have room.
        for unit in wanted { look(at: unit) }
    }

    private func learn(_ unit: String, _ sight: UnitSight) {
        let before = state.withLock { state -> UnitSight? in
            guard state.choice.followed.contains(unit) else { return nil }
            return state.sights.updateValue(sight, forKey: unit)
        }
        if case .unknown(let reason) = sight {
            logger.warning("unit \(unit) is not known to be active: \(reason)")
        } else if case .unknown = before {
            logger.notice("unit \(unit) is known again")
        }
        look(at: unit)
    }

    private func look(at unit: String) {
        for pod in pods.store.objects(index: Self.byUnit, unit) { queue.add(NamespacedName(pod.metadata)) }
    }

    /// What is to be said; nil while nothing is known yet, so that what was said before a restart of this process holds.
    private func verdict(_ unit: String) -> UnitVerdict? {
        guard PodUnit.isName(unit) else { return UnitVerdict(invalid: unit) }
        return state.withLock { state in
            guard state.choice.followed.contains(unit) else {
                // One that has just come is about to be chosen.
                guard state.choice.followed.count >= UnitChoice.limit else { return nil }
                return UnitVerdict(beyond: UnitChoice.limit, unit: unit, node: node)
            }
            if let obstacle = state.obstacle { return UnitVerdict(.unknown(obstacle), unit: unit, node: node) }
            return state.sights[unit].map { UnitVerdict($0, unit: unit, node: node) }
        }
    }

    private func reconcile(_ key: NamespacedName, _ recorder: EventRecorder) async throws -> ReconcileOutcome {
        guard let pod = pods.store[key], !pod.isOver else {
            state.withLock { _ = $0.lastWrites.removeValue(forKey: key) }
            return .settled
        }
        guard let unit = pod.unit else {
            // It stands for no unit any more.
            if pod.condition != nil { try await write(["$patch": "delete", "type": .string(PodUnit.condition)], pod) }
            return .settled
        }
        guard let verdict = verdict(unit),
            let condition = verdict.condition(after: pod.condition, now: WallClock.timestamp)
        else { return .settled }
        let last = state.withLock { $0.lastWrites[key] }
        if verdict.standing == .active, let pause = last.map({ Self.writePause - ($0.duration(to: .now)) }),
            pause > .zero
        {
            return .again(after: pause)
        }
        guard try await write(try ObjectEncoder.encode(condition), pod) else { return .settled }
        state.withLock { $0.lastWrites[key] = .now }
        tell(verdict, pod, unit, recorder)
        return .settled
    }

    private func tell(_ verdict: UnitVerdict, _ pod: KeptPod, _ unit: String, _ recorder: EventRecorder) {
        let isRestart = verdict.isRestart(after: pod.condition, of: unit)
        recorder.record(
            verdict.isWarning ? .warning : .normal, about: pod,
            reason: isRestart
                ? "UnitRestarted" : verdict.reason.hasPrefix("Unit") ? verdict.reason : "Unit" + verdict.reason,
            message: isRestart ? PodUnit.message(unit, "on node \(node) was started again") : verdict.message)
    }

    /// Returns whether the Pod is still there.
    @discardableResult
    private func write(_ condition: JSONValue, _ pod: KeptPod) async throws -> Bool {
        let patch: JSONValue = [
            // Of this Pod, not of one that has its name by now.
            "metadata": ["uid": .string(pod.metadata.uid ?? "")], "status": ["conditions": [condition]],
        ]
        do {
            let written = try await client.patch(
                KeptPod.self, pod.metadata.name ?? "", namespace: pod.metadata.namespace, .strategicMerge(patch),
                subresource: "status")
            pods.absorb(written)
            return true
        } catch let status as Status where status.isNotFound {
            return false
        }
    }
}
