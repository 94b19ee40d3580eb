/// Which part of the kernel a netlink socket talks to.
package struct NetlinkFamily: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    /// Links, addresses, routes.
    package static let route = NetlinkFamily(rawValue: 0)
    /// nftables, conntrack.
    package static let netfilter = NetlinkFamily(rawValue: 12)
    /// Families that are looked up by name: IPVS.
    package static let generic = NetlinkFamily(rawValue: 16)
}
