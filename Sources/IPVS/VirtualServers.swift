package import Netlink

/// The virtual servers of a kernel. Calls block.
package protocol VirtualServers: AnyObject {
    /// All of them, whoever made them, but for those by firewall marks.
    func list() throws(NetlinkError) -> [VirtualServer]

    /// The real servers of one, with their connections; empty where it is gone.
    func realServers(of key: VirtualServer.Key) throws(NetlinkError) -> [RealServer.Standing]

    /// Carries changes out one by one, in this order; one that is refused does not keep it from those after it.
    ///
    /// - Returns: what was refused.
    /// - Throws: where it is not known what became of the changes.
    func perform(_ changes: [IPVSChange]) throws(NetlinkError) -> [IPVSRefusal]
}
