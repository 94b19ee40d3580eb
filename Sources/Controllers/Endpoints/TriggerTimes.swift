import KubeModel

/// Finds the moment of the change that an endpoint write answers, for the annotation
/// `endpoints.kubernetes.io/last-change-trigger-time` (Kubernetes SLI "network programming latency").
///
/// That is the earliest transition to or from Ready, or creation of the Service, that the last write has not seen.
struct TriggerTimes: Sendable {
    private struct Seen {
        var pods: [String: Timestamp] = [:]
        var service: Timestamp?
    }

    private var seen: [NamespacedName: Seen] = [:]

    /// The trigger time of a write now, or nil when nothing that has a time changed.
    mutating func observe(_ service: Service, pods: [Pod]) -> Timestamp? {
        let key = NamespacedName(service.metadata)
        let before = seen[key]
        var now = Seen(service: service.metadata.creationTimestamp)
        var earliest: Timestamp?
        func consider(_ time: Timestamp?, seen: Timestamp?) {
            guard let time, seen == nil || seen.map({ $0 < time }) == true else { return }
            earliest = min(earliest ?? time, time)
        }
        for pod in pods {
            guard let time = pod.status?.conditions?.first(where: { $0.type == "Ready" })?.lastTransitionTime else {
                continue
            }
            let id = pod.metadata.uid ?? pod.metadata.name ?? ""
            now.pods[id] = time
            consider(time, seen: before?.pods[id])
        }
        consider(now.service, seen: before?.service)
        seen[key] = now
        return earliest
    }

    /// Forgets a Service that is gone.
    mutating func forget(_ key: NamespacedName) { seen[key] = nil }
}
