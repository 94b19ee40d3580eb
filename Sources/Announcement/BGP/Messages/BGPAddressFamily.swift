package import NetworkTypes

/// What routes are about: an address family with its kind of use (RFC 4760, section 3).
package struct BGPAddressFamily: Hashable, Sendable {
    /// 1: IPv4, 2: IPv6 (IANA address family numbers).
    package var afi: UInt16
    /// 1: unicast.
    package var safi: UInt8

    package init(afi: UInt16, safi: UInt8) {
        self.afi = afi
        self.safi = safi
    }

    package static let ipv4Unicast = BGPAddressFamily(afi: 1, safi: 1)
    package static let ipv6Unicast = BGPAddressFamily(afi: 2, safi: 1)

    /// The unicast routes of a family of addresses.
    package init(unicast family: IPFamily) {
        self = family == .v4 ? .ipv4Unicast : .ipv6Unicast
    }

    /// The family of addresses whose unicast routes these are; nil for all that we do not speak.
    package var unicast: IPFamily? {
        switch self {
        case .ipv4Unicast: .v4
        case .ipv6Unicast: .v6
        default: nil
        }
    }
}
