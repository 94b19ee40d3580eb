/// Where the Leases are over which nodes agree on who announces an address. A node's credentials let it write these and the
/// Lease of its own name in `kube-node-lease`, and no others.
public enum AnnouncementLease {
    /// Their namespace, which every server has.
    public static let namespace = "kube-system"
    /// Leases of any node, for claims: `announcement-` and anything. A node may put only itself, or nobody, in the place of
    /// the holder.
    public static let sharedPrefix = "announcement-"

    /// The Lease with which a node says that it lives as an announcer: no other node may write it.
    public static func own(_ node: String) -> String { ownPrefix + node }

    public static let ownPrefix = "announcer-"
}
