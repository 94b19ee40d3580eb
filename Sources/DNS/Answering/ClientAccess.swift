package import NetworkTypes

/// Who is answered. A server that answers everybody is a tool for attacks on third parties (RFC 5358).
package struct ClientAccess: Hashable, Sendable {
    package enum Standing: Hashable, Sendable {
        /// This machine: answered always.
        case trusted
        /// A private network: answered at a rate that stops only forgers, who write its addresses from outside.
        case near
        /// Let in by the configuration: answered, but not at any rate.
        case limited
        case stranger
    }

    package static let loopback: [CIDR] = ["127.0.0.0/8", "::1/128"].compactMap { CIDR($0) }

    /// Private networks (RFC 1918, 6598), link-local and unique local addresses.
    package static let privateNetworks: [CIDR] = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fe80::/10", "fc00::/7",
    ].compactMap { CIDR($0) }

    package private(set) var trusted: [CIDR]
    package private(set) var near: [CIDR]
    package private(set) var limited: [CIDR]

    package init(
        trusted: [CIDR] = ClientAccess.loopback, near: [CIDR] = ClientAccess.privateNetworks, limited: [CIDR] = []
    ) {
        self.trusted = trusted.map(\.masked)
        self.near = near.map(\.masked)
        self.limited = limited.map(\.masked)
    }

    /// This machine, whatever its addresses, private networks, and what else is let in.
    package init(own addresses: some Sequence<IPAddress>, limited: [CIDR]) {
        let machine = addresses.compactMap { CIDR(address: $0, prefixLength: $0.family.bitWidth) }
        let others = machine.filter { address in !Self.loopback.contains { $0.contains(address.address) } }
        self.init(trusted: Self.loopback + others, limited: limited)
    }

    package func standing(of ip: IPAddress) -> Standing {
        let ip = ip.mappedV4 ?? ip
        if trusted.contains(where: { $0.contains(ip) }) { return .trusted }
        if near.contains(where: { $0.contains(ip) }) { return .near }
        return limited.contains(where: { $0.contains(ip) }) ? .limited : .stranger
    }
}
