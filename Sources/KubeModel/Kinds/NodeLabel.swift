/// Which labels a node may give itself: by others, such as roles, people and policies tell nodes apart, and whoever has taken
/// over a machine must not be able to draw their workloads or their trust to it.
///
/// The rule of the kubelet's `--node-labels` and of the admission plugin NodeRestriction
/// (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#noderestriction).
public enum NodeLabel {
    private static let known: Set<String> = [
        "kubernetes.io/hostname", "kubernetes.io/os", "kubernetes.io/arch", "beta.kubernetes.io/os",
        "beta.kubernetes.io/arch", "beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type",
        "node.kubernetes.io/windows-build", "topology.kubernetes.io/zone", "topology.kubernetes.io/region",
        "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region",
    ]
    /// With their subdomains.
    private static let open = ["kubelet.kubernetes.io", "node.kubernetes.io"]
    private static let reserved = ["kubernetes.io", "k8s.io"]

    /// - Parameter key: of a label, its domain included.
    public static func mayBeSetByNode(_ key: String) -> Bool {
        guard let slash = key.firstIndex(of: "/"), !known.contains(key) else { return true }
        let domain = key[..<slash]
        func isOf(_ other: String) -> Bool { domain == other || domain.hasSuffix(".\(other)") }
        return open.contains(where: isOf) || !reserved.contains(where: isOf)
    }
}
