import KubeModel
import Synchronization

/// The readiness probes that run at the moment, by Pod and container.
final class ProbeSchedule: Sendable {
    /// What makes a probe another one.
    struct Plan: Hashable, Sendable {
        var podUID: String
        var target: ProbeTarget
        var probe: Probe
        /// When what is probed was started, where that is known: what is started again has yet to pass.
        var started: Timestamp?
    }

    private struct Running {
        var plan: Plan
        var state: ProbeState
        var lastFailure: String?
        var task: Task<Void, Never>
    }

    private let check: @Sendable (ProbeTarget, Duration) async -> String?
    private let onChange: @Sendable (NamespacedName) -> Void
    // The mutex protects the running probes.
    private let running = Mutex<[NamespacedName: [String: Running]]>([:])

    /// - Parameters:
    ///   - check: carries out one check within a time; nil means success.
    ///   - onChange: called with the Pod when a container's readiness changed.
    init(
        check: @escaping @Sendable (ProbeTarget, Duration) async -> String?,
        onChange: @escaping @Sendable (NamespacedName) -> Void
    ) {
        self.check = check
        self.onChange = onChange
    }

    deinit { stopAll() }

    /// Makes exactly these probes run for a Pod: those that are as they were go on, others stop or begin.
    ///
    /// - Parameters:
    ///   - wanted: by container name.
    ///   - known: containers that an earlier run found ready.
    func set(_ wanted: [String: Plan], for pod: NamespacedName, known: Set<String>) {
        running.withLock { running in
            var present = running[pod] ?? [:]
            for (name, probe) in present where wanted[name] != probe.plan {
                probe.task.cancel()
                present[name] = nil
            }
            for (name, plan) in wanted where present[name] == nil {
                present[name] = Running(
                    plan: plan, state: ProbeState(plan.probe, isReady: known.contains(name)),
                    task: Task { [weak self, check] in
                        let isKnown = known.contains(name)
                        let delay = isKnown ? 0 : max(0, plan.probe.initialDelaySeconds ?? 0)
                        let period = max(1, plan.probe.periodSeconds ?? 10)
                        let timeout = max(1, plan.probe.timeoutSeconds ?? 1)
                        do {
                            try await Task.sleep(for: .seconds(delay))
                            while true {
                                let failure = await check(plan.target, .seconds(timeout))
                                try Task.checkCancellation()
                                guard let self else { return }
                                self.note(failure, pod, name, plan)
                                try await Task.sleep(for: .seconds(period))
                            }
                        } catch {
                            // Cancelled: the probe is no longer wanted.
                        }
                    })
            }
            running[pod] = present.isEmpty ? nil : present
        }
    }

    /// Whether a container's probe succeeds; nil when none runs for it.
    func isReady(_ container: String, of pod: NamespacedName) -> Bool? {
        running.withLock { $0[pod]?[container]?.state.isReady }
    }

    /// What the last check of a container found wrong; nil after a success.
    func lastFailure(_ container: String, of pod: NamespacedName) -> String? {
        running.withLock { $0[pod]?[container]?.lastFailure }
    }

    func stopAll() {
        let all = running.withLock { running in
            defer { running = [:] }
            return running.values.flatMap(\.values)
        }
        for probe in all { probe.task.cancel() }
    }

    private func note(_ failure: String?, _ pod: NamespacedName, _ container: String, _ plan: Plan) {
        let didChange = running.withLock { running in
            guard var probe = running[pod]?[container], probe.plan == plan else { return false }
            let isFirstFailure = failure != nil && probe.lastFailure == nil
            let didChange = probe.state.note(success: failure == nil)
            probe.lastFailure = failure
            running[pod]?[container] = probe
            return didChange || isFirstFailure
        }
        if didChange { onChange(pod) }
    }
}
