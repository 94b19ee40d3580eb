package import NetworkTypes

/// Who is answered. A server that answers everybody is a tool for attacks on third parties (RFC 5358).
package struct ClientAccess: Hashable, Sendable {
    package enum Standing: Hashable, Sendable {
        /// A network of one's own: answered always.
        case trusted
        /// Let in by the configuration: answered, but not at any rate.
        case limited
        case stranger
    }

    /// Loopback, private networks (RFC 1918, 6598), link-local and unique local addresses.
    package static let ownNetworks: [CIDR] = [
        "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "::1/128",
        "fe80::/10", "fc00::/7",
    ].compactMap { CIDR($0) }

    package private(set) var trusted: [CIDR]
    package private(set) var limited: [CIDR]

    package init(trusted: [CIDR] = ClientAccess.ownNetworks, limited: [CIDR] = []) {
        self.trusted = trusted.map(\.masked)
        self.limited = limited.map(\.masked)
    }

    /// Private networks and this machine, whatever its addresses, and what else is let in.
    package init(own addresses: some Sequence<IPAddress>, limited: [CIDR]) {
        let machine = addresses.compactMap { CIDR(address: $0, prefixLength: $0.family.bitWidth) }
        let others = machine.filter { address in !Self.ownNetworks.contains { $0.contains(address.address) } }
        self.init(trusted: Self.ownNetworks + others, limited: limited)
    }

    package func standing(of ip: IPAddress) -> Standing {
        let ip = ip.mappedV4 ?? ip
        if trusted.contains(where: { $0.contains(ip) }) { return .trusted }
        return limited.contains(where: { $0.contains(ip) }) ? .limited : .stranger
    }
}
