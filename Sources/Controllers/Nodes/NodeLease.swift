import KubeModel

/// The Leases by which nodes say that they are alive.
enum NodeLease {
    static let namespace = "kube-node-lease"
    /// On the Node and on the Lease of a data plane: no kubelet looks after the Pods there.
    static let dataPlaneAnnotation = "traffic.martlet.dev/registered-by"
    /// What a Lease that does not say stands for, as a kubelet's.
    private static let usualSeconds = 40

    /// Whether its holder renewed it within its duration.
    static func isHeld(_ lease: Lease, now: MicroTime) -> Bool {
        guard let renewed = lease.spec?.renewTime, lease.spec?.holderIdentity != "" else { return false }
        let length = Int64(lease.spec?.leaseDurationSeconds ?? usualSeconds) * 1_000_000
        return now.microsecondsSinceEpoch - renewed.microsecondsSinceEpoch < length
    }

    /// Whether a kubelet holds it, which removes Pods itself.
    static func isKubelets(_ lease: Lease, now: MicroTime) -> Bool {
        lease.metadata.annotations?[dataPlaneAnnotation] == nil && isHeld(lease, now: now)
    }
}
