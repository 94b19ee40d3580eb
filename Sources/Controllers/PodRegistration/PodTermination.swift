import KubeModel

/// Decides when a Pod that is being deleted is over. In Kubernetes its node's kubelet does this.
enum PodTermination: Equatable {
    /// The server has done, or will do, what is left: it waits for finalizers only.
    case nothing
    /// It has so long to end what it is doing. It stays registered, and its readiness is still looked at.
    case wait(Duration)
    /// Nothing runs any more, or may run any longer.
    case finish

    init(_ pod: Pod, now: MicroTime) {
        guard let end = pod.metadata.deletionTimestamp, pod.metadata.deletionGracePeriodSeconds ?? 0 > 0 else {
            self = .nothing
            return
        }
        let phase = pod.status?.phase ?? ""
        let hasStarted = phase == "Running" || !(pod.status?.podIP ?? "").isEmpty
        let remaining = end.secondsSinceEpoch * 1_000_000 - now.microsecondsSinceEpoch
        guard hasStarted, phase != "Succeeded", phase != "Failed", remaining > 0 else {
            self = .finish
            return
        }
        self = .wait(.microseconds(remaining))
    }
}
