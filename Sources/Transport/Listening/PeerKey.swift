package import NetworkTypes

/// Whom connections are counted for: an IPv4 address, or the 64-bit prefix of an IPv6 address, since one subscriber has
/// all addresses below it (RFC 6177).
package struct PeerKey: Sendable, Hashable {
    private let family: IPFamily
    private let prefix: UInt64

    package init(_ address: IPAddress) {
        let address = address.mappedV4 ?? address
        family = address.family
        prefix = address.family == .v4 ? address.low : address.high
    }
}
