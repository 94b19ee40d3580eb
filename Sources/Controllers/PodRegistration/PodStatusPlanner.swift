import KubeModel
import NetworkTypes

/// Decides the status of a Pod that registers itself as a backend.
enum PodStatusPlanner {
    /// The wanted status; equal to the present one when nothing is to be written.
    ///
    /// - Parameters:
    ///   - isReady: whether a container's probe succeeds; containers without a probe count as ready.
    ///   - lostNode: the Pod's node, where that is not heard from: what is there is not reached either.
    ///   - now: for the transition times of conditions that change.
    static func status(
        of pod: Pod, addresses: [IPAddress], lostNode: String? = nil, now: Timestamp, isReady: (Container) -> Bool
    ) -> PodStatus {
        var status = pod.status ?? PodStatus()
        let containers = pod.spec?.containers ?? []
        let unit = RegisteredUnit(pod)
        let runs = unit?.isActive ?? true
        let unready = (pod.spec?.longRunningContainers ?? []).filter { !runs || !isReady($0) }.map(\.name)
        status.phase = "Running"
        status.message = nil
        status.reason = nil
        status.podIP = addresses.first?.description
        status.podIPs = addresses.map { PodIP(ip: $0.description) }
        status.startTime = status.startTime ?? now
        func running(_ container: Container, _ known: [ContainerStatus]?) -> ContainerStatus {
            let old = known?.first { $0.name == container.name }
            let (state, isRestart) = state(after: old?.state, unit, now)
            return ContainerStatus(
                name: container.name, image: container.image ?? "", imageID: old?.imageID ?? "",
                ready: !unready.contains(container.name), restartCount: (old?.restartCount ?? 0) + (isRestart ? 1 : 0),
                started: runs, state: state)
        }
        status.containerStatuses = containers.map { running($0, status.containerStatuses) }
        let sidecars = pod.spec?.sidecars ?? []
        // Nothing tells whether the other init containers have run.
        if !sidecars.isEmpty {
            status.initContainerStatuses = sidecars.map { running($0, status.initContainerStatuses) }
        }
        var conditions = status.conditions ?? []
        set("PodScheduled", true, in: &conditions, now)
        set("Initialized", true, in: &conditions, now)
        let notReady =
            unready.isEmpty ? nil : "containers with unready status: [\(unready.joined(separator: " "))]"
        set("ContainersReady", notReady == nil, in: &conditions, now, "ContainersNotReady", notReady)
        // A gate is a condition that somebody else sets.
        let closed = (pod.spec?.readinessGates ?? []).map(\.conditionType).filter { gate in
            !conditions.contains { $0.type == gate && $0.status == "True" }
        }
        if let lostNode {
            set("Ready", false, in: &conditions, now, "NodeNotReady", "node \(lostNode) is not ready")
        } else if let complaint = unit?.complaint {
            // A gate too, before what is behind it.
            set("Ready", false, in: &conditions, now, complaint.reason, complaint.message)
        } else if notReady != nil {
            set("Ready", false, in: &conditions, now, "ContainersNotReady", notReady)
        } else if let gate = closed.first {
            set(
                "Ready", false, in: &conditions, now, "ReadinessGatesNotReady",
                "the status of pod readiness gate \"\(gate)\" is not \"True\"")
        } else {
            set("Ready", true, in: &conditions, now)
        }
        status.conditions = conditions
        return status
    }

    /// The state of a container, and whether it was started again. That of a unit runs since the unit is active, and keeps
    /// while the unit is not that it ran before.
    private static func state(
        after old: ContainerState?, _ unit: RegisteredUnit?, _ now: Timestamp
    ) -> (ContainerState, isRestart: Bool) {
        if let old, old.running != nil, unit == nil || unit?.isActive == false { return (old, false) }
        if let complaint = unit?.complaint {
            let waiting = ContainerStateWaiting(reason: complaint.reason, message: complaint.message)
            return (ContainerState(waiting: waiting), false)
        }
        let started = unit?.started ?? now
        let before = old?.running?.startedAt
        return (
            ContainerState(running: ContainerStateRunning(startedAt: started)), before != nil && before != started
        )
    }

    /// Whether a Pod waits for somebody to run it and nobody has said anything about it yet.
    static func isForgotten(_ pod: Pod) -> Bool {
        pod.metadata.annotations?[PodAddresses.annotation] == nil && pod.metadata.deletionTimestamp == nil
            && (pod.spec?.nodeName ?? "").isEmpty && (pod.status?.phase ?? "Pending") == "Pending"
            && !(pod.status?.conditions ?? []).contains { $0.type == "PodScheduled" }
    }

    /// The status of such a Pod: a scheduler that comes later replaces it, as it does with its own.
    static func forgottenStatus(of pod: Pod, now: Timestamp) -> PodStatus {
        var status = pod.status ?? PodStatus()
        status.phase = "Pending"
        var conditions = status.conditions ?? []
        set("PodScheduled", false, in: &conditions, now, "Unschedulable", unscheduled)
        status.conditions = conditions
        return status
    }

    static let unscheduled =
        "Martlet runs no containers: say where this Pod's process listens with the annotation \(PodAddresses.annotation), or "
        + "let a scheduler and a kubelet run against this API"

    private static func set(
        _ type: String, _ value: Bool, in conditions: inout [PodCondition], _ now: Timestamp, _ reason: String? = nil,
        _ message: String? = nil
    ) {
        let text = value ? "True" : "False"
        let index = conditions.firstIndex { $0.type == type }
        var condition = index.map { conditions[$0] } ?? PodCondition(type: type)
        if condition.status != text { condition.lastTransitionTime = now }
        condition.status = text
        condition.reason = value ? nil : reason
        condition.message = value ? nil : message
        if let index { conditions[index] = condition } else { conditions.append(condition) }
    }
}
