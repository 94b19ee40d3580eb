/// The packets that a table sees. The raw value is the kernel's (NFPROTO_*).
package enum NFFamily: UInt8, Hashable, Sendable, CustomStringConvertible {
    /// IPv4 and IPv6.
    case inet = 1
    case ipv4 = 2
    case arp = 3
    case ipv6 = 10

    /// As `nft` calls it.
    package var description: String {
        switch self {
        case .inet: "inet"
        case .ipv4: "ip"
        case .arp: "arp"
        case .ipv6: "ip6"
        }
    }
}
