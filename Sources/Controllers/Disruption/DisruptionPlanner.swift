import KubeModel

/// Decides how many Pods of a budget may be disrupted (Kubernetes' `pkg/controller/disruption`).
///
/// One deviation: a Pod that no controller owns counts as one that is expected. Kubernetes leaves those out of
/// percentages and of `maxUnavailable`; here Pods are registered by hand, and a budget of them would protect nothing.
struct DisruptionPlanner {
    /// What a granted eviction has to be followed by within this time; otherwise the Pod counts again.
    static let deletionTimeout: Int64 = 120

    var budget: PodDisruptionBudget
    /// Those that the budget selects.
    var pods: [Pod]
    /// How many Pods each owner of some of them wants, by the owner's uid; owners that are unknown are left out.
    var scales: [String: Int]
    var now: Timestamp

    /// The wanted status, and when to look again although nothing changes; nil for never.
    func plan() -> (status: PodDisruptionBudgetStatus, again: Duration?) {
        let (disrupted, again) = disruptedPods()
        let healthy = pods.filter { pod in
            pod.metadata.deletionTimestamp == nil && disrupted[pod.metadata.name ?? ""] == nil && Self.isReady(pod)
        }.count
        let (expected, desired) = counts()
        let allowed = expected > 0 ? max(0, healthy - desired) : 0
        var status = budget.status ?? PodDisruptionBudgetStatus()
        status.observedGeneration = budget.metadata.generation
        status.disruptedPods = disrupted.isEmpty ? nil : disrupted
        status.disruptionsAllowed = allowed
        status.currentHealthy = healthy
        status.desiredHealthy = desired
        status.expectedPods = expected
        status.conditions = conditions(isAllowed: allowed > 0)
        return (status, again)
    }

    private func counts() -> (expected: Int, desired: Int) {
        if let maximum = budget.spec?.maxUnavailable {
            let expected = expectedPods()
            return (expected, max(0, expected - Self.scaled(maximum, of: expected)))
        }
        switch budget.spec?.minAvailable {
        case .int(let number): return (pods.count, number)
        case .string(let text):
            let expected = expectedPods()
            return (expected, Self.scaled(.string(text), of: expected))
        case nil:
            // Neither is given: as `minAvailable: 1`.
            return (pods.count, 1)
        }
    }

    private func expectedPods() -> Int {
        var sum = 0
        var owners: Set<String> = []
        for pod in pods {
            guard let owner = pod.metadata.ownerReferences?.first(where: { $0.controller == true }),
                let scale = scales[owner.uid]
            else {
                sum += 1
                continue
            }
            if owners.insert(owner.uid).inserted { sum += scale }
        }
        return sum
    }

    /// A number, or a percentage rounded up.
    static func scaled(_ value: IntOrString, of total: Int) -> Int {
        switch value {
        case .int(let number): return number
        case .string(let text):
            guard text.hasSuffix("%"), let percent = Int(text.dropLast()), percent >= 0 else { return total }
            return (total * min(percent, 100) + 99) / 100
        }
    }

    /// Grants that still wait for their Pod's deletion, and when the first of them runs out.
    private func disruptedPods() -> ([String: Timestamp], Duration?) {
        var kept: [String: Timestamp] = [:]
        var first: Int64?
        for (name, granted) in budget.status?.disruptedPods ?? [:] {
            guard let pod = pods.first(where: { $0.metadata.name == name }), pod.metadata.deletionTimestamp == nil
            else { continue }
            let rest = granted.secondsSinceEpoch + Self.deletionTimeout - now.secondsSinceEpoch
            guard rest > 0 else { continue }
            kept[name] = granted
            first = min(first ?? rest, rest)
        }
        return (kept, first.map { .seconds($0) })
    }

    private func conditions(isAllowed: Bool) -> [Condition] {
        var conditions = budget.status?.conditions ?? []
        var wanted = Condition(
            type: "DisruptionAllowed", status: isAllowed ? "True" : "False",
            observedGeneration: budget.metadata.generation, lastTransitionTime: now,
            reason: isAllowed ? "SufficientPods" : "InsufficientPods", message: "")
        guard let index = conditions.firstIndex(where: { $0.type == wanted.type }) else { return conditions + [wanted] }
        if conditions[index].status == wanted.status {
            wanted.lastTransitionTime = conditions[index].lastTransitionTime
        }
        conditions[index] = wanted
        return conditions
    }

    private static func isReady(_ pod: Pod) -> Bool {
        pod.status?.conditions?.contains { $0.type == "Ready" && $0.status == "True" } ?? false
    }
}
