/// Where the Leases are over which nodes agree on who announces an address. A node's credentials let it write these, and the
/// Lease of its own name in `kube-node-lease`, and no others.
public enum AnnouncementLease {
    /// Their namespace, which every server has.
    public static let namespace = "kube-system"
    /// What all of their names begin with. Any node may write one, and put itself, or nobody, in the place of the holder.
    public static let prefix = "announcement-"
    /// What the names of those begin with of which each is for one node alone to write. Those that announcers elect by are not
    /// among them: when a node has died, others take its Lease from it.
    public static let nodePrefix = prefix + "node-"

    /// What the names of those begin with by which a node says that it is alive as an announcer on the local network.
    public static let announcerPrefix = prefix + "announcer-"

    /// By which a node says that it is alive as an announcer on the local network.
    public static func announcer(_ node: String) -> String { announcerPrefix + node }

    /// The one that no other node may write.
    public static func own(_ node: String) -> String { nodePrefix + node }
}
