/// The packets that a table sees. The raw value is the kernel's (NFPROTO_*).
package enum NFFamily: UInt8, Hashable, Sendable {
    /// IPv4 and IPv6.
    case inet = 1
    case ipv4 = 2
    case ipv6 = 10
}
