package import DNS
package import NetworkTypes

/// What `martlet dataplane` is told about DNS.
package struct NamesConfiguration: Sendable {
    /// `--dns-address` and `--dns-port`.
    package var addresses: [SocketAddress]
    /// Nobody asked for DNS in so many words: an address that is taken is no reason not to start.
    package var isOptional: Bool
    /// `--dns-upstream`; empty for those of `/etc/resolv.conf`.
    package var upstreams: [SocketAddress]
    /// `--cluster-domain`.
    package var domain: DomainName
    /// `--dns-network`: who is answered besides one's own networks.
    package var networks: [CIDR]

    package init(
        addresses: [SocketAddress], isOptional: Bool = false, upstreams: [SocketAddress] = [], domain: DomainName,
        networks: [CIDR] = []
    ) {
        self.addresses = addresses
        self.isOptional = isOptional
        self.upstreams = upstreams
        self.domain = domain
        self.networks = networks
    }
}
