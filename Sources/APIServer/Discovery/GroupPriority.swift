/// The order in which discovery lists API groups: those that Kubernetes itself has by their priority (its APIServices'
/// `groupPriorityMinimum`), then ours, then all others by name, as the groups of custom resources are. Clients that are asked for a
/// bare name such as `events` take the first group that has it.
struct GroupPriority: Comparable {
    private let rank: Int
    private let group: String

    private static let known = [
        "", "apiregistration.k8s.io", "apps", "events.k8s.io", "authentication.k8s.io", "authorization.k8s.io",
        "autoscaling", "batch", "certificates.k8s.io", "networking.k8s.io", "policy", "rbac.authorization.k8s.io",
        "storage.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "scheduling.k8s.io",
        "coordination.k8s.io", "node.k8s.io", "discovery.k8s.io", "resource.k8s.io", "flowcontrol.apiserver.k8s.io",
        "traffic.martlet.dev",
    ]

    init(_ group: String) {
        rank = Self.known.firstIndex(of: group) ?? Self.known.count
        self.group = group
    }

    static func < (left: GroupPriority, right: GroupPriority) -> Bool {
        left.rank == right.rank ? left.group < right.group : left.rank < right.rank
    }
}
