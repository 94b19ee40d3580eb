package import KubeModel

/// The state of a Pod in a few words: what `kubectl get pods` shows as READY, STATUS and RESTARTS.
///
/// The rules are those of Kubernetes' printer (`pkg/printers/internalversion`): a failing container's reason wins over
/// the phase, init containers come first, and deletion wins over everything.
package struct PodSummary {
    private(set) var status: String
    private(set) var readyContainers = 0
    private(set) var totalContainers: Int

    private var restarts = 0
    private var lastRestart: Timestamp?
    private var sidecarRestarts = 0
    private var lastSidecarRestart: Timestamp?

    package init(_ pod: JSONValue) {
        let podStatus = pod["status"]
        let conditions = podStatus["conditions"].array ?? []
        totalContainers = TableCells.count(pod["spec"]["containers"])
        status = podStatus["phase"].string ?? ""
        if let reason = Self.nonEmpty(podStatus["reason"]) { status = reason }
        let isGated = conditions.contains {
            $0["type"].string == "PodScheduled" && $0["reason"].string == "SchedulingGated"
        }
        if isGated { status = "SchedulingGated" }

        let sidecars = Set(
            (pod["spec"]["initContainers"].array ?? [])
                .filter { $0["restartPolicy"].string == "Always" }.compactMap { $0["name"].string })
        totalContainers += sidecars.count
        let isInitializing = readInitContainers(of: pod, sidecars: sidecars)
        if !isInitializing || Self.isTrue("Initialized", conditions) {
            restarts = sidecarRestarts
            lastRestart = lastSidecarRestart
            readContainers(podStatus["containerStatuses"].array ?? [], isReady: Self.isTrue("Ready", conditions))
        }
        if pod["metadata"]["deletionTimestamp"].string != nil {
            let phase = podStatus["phase"].string
            if podStatus["reason"].string == "NodeLost" {
                status = "Unknown"
            } else if phase != "Succeeded" && phase != "Failed" {
                status = "Terminating"
            }
        }
    }

    /// The number of restarts and, when one has left a trace, how long ago the latest was.
    package func restartText(now: Timestamp) -> String {
        guard restarts != 0, let lastRestart else { return "\(restarts)" }
        let age = HumanDuration(seconds: now.secondsSinceEpoch - lastRestart.secondsSinceEpoch)
        return "\(restarts) (\(age) ago)"
    }

    /// Whether the Pod is still busy with its init containers.
    private mutating func readInitContainers(of pod: JSONValue, sidecars: Set<String>) -> Bool {
        let total = TableCells.count(pod["spec"]["initContainers"])
        for (index, container) in (pod["status"]["initContainerStatuses"].array ?? []).enumerated() {
            let isSidecar = sidecars.contains(container["name"].string ?? "")
            countRestarts(of: container, isSidecar: isSidecar)
            let terminated = container["state"]["terminated"]
            let waiting = Self.nonEmpty(container["state"]["waiting"]["reason"])
            if terminated != nil && (terminated["exitCode"].int ?? 0) == 0 { continue }
            if isSidecar, container["started"].bool == true {
                if container["ready"].bool == true { readyContainers += 1 }
                continue
            }
            if terminated != nil {
                status = "Init:" + (Self.nonEmpty(terminated["reason"]) ?? Self.exit(terminated))
            } else if let waiting, waiting != "PodInitializing" {
                status = "Init:" + waiting
            } else {
                status = "Init:\(index)/\(total)"
            }
            return true
        }
        return false
    }

    private mutating func readContainers(_ containers: [JSONValue], isReady: Bool) {
        var hasRunning = false
        for container in containers.reversed() {
            countRestarts(of: container, isSidecar: false)
            let state = container["state"]
            if let waiting = Self.nonEmpty(state["waiting"]["reason"]) {
                status = waiting
            } else if state["terminated"] != nil {
                status = Self.nonEmpty(state["terminated"]["reason"]) ?? Self.exit(state["terminated"])
            } else if container["ready"].bool == true, state["running"] != nil {
                hasRunning = true
                readyContainers += 1
            }
        }
        if status == "Completed", hasRunning { status = isReady ? "Running" : "NotReady" }
    }

    private mutating func countRestarts(of container: JSONValue, isSidecar: Bool) {
        let count = container["restartCount"].int ?? 0
        let finished = container["lastState"]["terminated"]["finishedAt"].string.flatMap { Timestamp($0) }
        restarts += count
        lastRestart = Self.later(lastRestart, finished)
        if isSidecar {
            sidecarRestarts += count
            lastSidecarRestart = Self.later(lastSidecarRestart, finished)
        }
    }

    private static func later(_ one: Timestamp?, _ other: Timestamp?) -> Timestamp? {
        guard let one, let other else { return one ?? other }
        return one.secondsSinceEpoch < other.secondsSinceEpoch ? other : one
    }

    private static func exit(_ terminated: JSONValue?) -> String {
        let signal = terminated["signal"].int ?? 0
        return signal != 0 ? "Signal:\(signal)" : "ExitCode:\(terminated["exitCode"].int ?? 0)"
    }

    private static func nonEmpty(_ value: JSONValue?) -> String? {
        value.string.flatMap { $0.isEmpty ? nil : $0 }
    }

    package static func isTrue(_ type: String, _ conditions: [JSONValue]) -> Bool {
        conditions.contains { $0["type"].string == type && $0["status"].string == "True" }
    }
}
