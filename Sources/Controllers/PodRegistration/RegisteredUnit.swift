import KubeModel

/// The systemd unit that a registered Pod stands for, as the data plane of the Pod's node sees it: what a container's
/// runtime is to a kubelet. Pure.
struct RegisteredUnit: Equatable {
    /// Why a Pod is not ready for the sake of its unit.
    struct Complaint: Equatable {
        static let withoutNode = "UnitWithoutNode"

        var reason: String
        var message: String
    }

    /// Nil while the unit is active.
    let complaint: Complaint?
    /// When it became active.
    let started: Timestamp?

    var isActive: Bool { complaint == nil }

    /// Nil for a Pod that stands for no unit.
    init?(_ pod: Pod) {
        guard let name = pod.metadata.annotations?[PodUnit.annotation] else { return nil }
        let node = pod.spec?.nodeName ?? ""
        let condition = (pod.status?.conditions ?? []).first { $0.type == PodUnit.condition }
        if node.isEmpty {
            complaint = Complaint(
                reason: Complaint.withoutNode,
                message:
                    "annotation \(PodUnit.annotation): spec.nodeName is not set; the data plane of that node follows "
                    + "the unit")
        } else if let condition, condition.status != "True", let message = condition.message {
            complaint = Complaint(reason: "UnitNotActive", message: message)
        } else if let condition, condition.status == "True", PodUnit.speaks(condition, of: name) {
            complaint = nil
        } else {
            complaint = Complaint(
                reason: "UnitNotActive",
                message: PodUnit.message(
                    String(name.prefix(255)),
                    "is not known to be active: the data plane of node \(node) has not said so"))
        }
        started = complaint == nil ? condition?.lastTransitionTime : nil
    }
}
