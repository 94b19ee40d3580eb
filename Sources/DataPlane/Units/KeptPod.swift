package import KubeModel

/// What is kept of a Pod of this node: the unit that it stands for, and what is said of that.
package struct KeptPod: KeptObject {
    package var identity: KeptIdentity
    /// What its annotation says, valid or not; nil without one.
    package var unit: String?
    package var condition: PodCondition?
    /// Whether it will never run again.
    package var isOver: Bool

    package init(_ pod: Pod) {
        identity = KeptIdentity(pod.metadata)
        unit = pod.metadata.annotations?[PodUnit.annotation]
        condition = pod.status?.conditions?.first { $0.type == PodUnit.condition }
        isOver = pod.status?.phase == "Succeeded" || pod.status?.phase == "Failed"
    }
}
