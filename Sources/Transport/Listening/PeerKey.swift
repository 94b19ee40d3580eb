package import NetworkTypes

/// Whom connections are counted for: an IPv4 address, or the 64-bit prefix of an IPv6 address, since one subscriber has
/// all addresses below it (RFC 6177).
package struct PeerKey: Sendable, Hashable, CustomStringConvertible {
    private let family: IPFamily
    private let prefix: UInt64

    package init(_ address: IPAddress) {
        let address = address.mappedV4 ?? address
        family = address.family
        prefix = address.family == .v4 ? address.low : address.high
    }

    /// The same for the same peer, and for hardly another one.
    package var number: UInt64 { family == .v4 ? prefix : ~prefix }

    /// An address, or a prefix as `2001:db8::/64`.
    package var description: String {
        switch family {
        case .v4: "\(IPAddress(v4: UInt32(truncatingIfNeeded: prefix)))"
        case .v6: "\(IPAddress(v6High: prefix, low: 0))/64"
        }
    }
}
