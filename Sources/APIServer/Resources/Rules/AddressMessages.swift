import KubeModel
import NetworkTypes

/// Kubernetes' words for malformed addresses.
enum AddressMessages {
    static let address = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
    static let mapped = "must not be an IPv4-mapped IPv6 address"
    static let range = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
}
