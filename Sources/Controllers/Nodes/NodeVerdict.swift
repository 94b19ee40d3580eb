import KubeModel

/// What has to be written about a node: its conditions when it has fallen silent, and the taints that follow from its
/// `Ready` condition. Pure.
struct NodeVerdict: Equatable {
    /// The `Ready` condition to write; nil to leave it: the node's own word counts while it speaks.
    var ready: Condition?
    /// The taints to write; nil to leave them.
    var taints: [Taint]?

    static let notReadyTaint = "node.kubernetes.io/not-ready"
    static let unreachableTaint = "node.kubernetes.io/unreachable"
    /// A data plane that was asked to end says so: the machine and what runs on it may well go on.
    static let stoppedReason = "DataPlaneStopped"

    /// - Parameter isLost: what ``NodeLifecyclePlanner`` says; nil for a node that is not judged.
    init(_ node: Node, isLost: Bool?, now: Timestamp) {
        var readiness = Self.readiness(node)
        if isLost == true, readiness?.status != "Unknown" {
            let condition = Condition(
                type: "Ready", status: "Unknown", lastTransitionTime: now, reason: "NodeStatusUnknown",
                message: "the node has stopped renewing its Lease")
            ready = condition
            readiness = condition
        }
        let present = node.spec?.taints ?? []
        let wanted = Self.taints(readiness?.status, present, isJudged: isLost != nil, now)
        if wanted != present { taints = wanted }
    }

    /// Whether endpoints on this node are to get no traffic: it has not been heard from, or says itself that it is not
    /// ready.
    static func isDown(_ node: Node) -> Bool {
        guard let condition = readiness(node) else { return false }
        switch condition.status {
        case "True": return false
        case "False": return condition.reason != stoppedReason
        default: return true
        }
    }

    private static func readiness(_ node: Node) -> Condition? {
        node.status?.conditions?.first { $0.type == "Ready" }
    }

    /// As Kubernetes sets them: both effects of one key, of the other none; taints of others stay.
    private static func taints(_ status: String?, _ present: [Taint], isJudged: Bool, _ now: Timestamp) -> [Taint] {
        guard isJudged, let status else { return present }
        let key: String? =
            switch status {
            case "True": nil
            case "False": notReadyTaint
            default: unreachableTaint
            }
        var result = present.filter { taint in
            ![notReadyTaint, unreachableTaint].contains(taint.key) || taint.key == key
        }
        guard let key else { return result }
        for effect in ["NoSchedule", "NoExecute"]
        where !result.contains(where: { $0.key == key && $0.effect == effect }) {
            result.append(Taint(key: key, effect: effect, timeAdded: now))
        }
        return result
    }
}
