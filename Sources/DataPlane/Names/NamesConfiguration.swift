package import DNS
package import NetworkTypes

/// What `martlet dataplane` is told about DNS.
package struct NamesConfiguration: Sendable {
    /// `--dns-address` and `--dns-port`.
    package var addresses: [SocketAddress]
    /// Where else it listens if it can, for other machines and for Pods; at any port where the wanted one is taken.
    package var furtherAddresses: [SocketAddress]
    /// Nobody asked for DNS in so many words: an address that is taken is no reason not to start.
    package var isOptional: Bool
    /// `--dns-upstream`, who goes before a Corefile's servers for everything; empty for those of `/etc/resolv.conf`.
    package var upstreams: [SocketAddress]
    /// Those of them that are asked over TLS or HTTPS.
    package var securedUpstreams: [SocketAddress: SecuredServer] = [:]
    /// `--cluster-domain`.
    package var domain: DomainName
    /// `--dns-host-resolver`: how this machine itself comes to ask.
    package var hostWiring = HostWiring.none
    /// What stands before the paths of the machine's files; for tests.
    package var hostRoot = ""
    /// `--dns-log`: where every query is told about, `-` for standard output; nil for nowhere, unless a Corefile wants it.
    package var logPath: String?
    /// `--dns-network`: who is answered besides one's own networks.
    package var networks: [CIDR]

    /// The upstream servers as flags name them.
    package var upstreamTexts: [String] {
        upstreams.map { securedUpstreams[$0]?.text(at: $0) ?? $0.description }
    }

    package init(
        addresses: [SocketAddress], furtherAddresses: [SocketAddress] = [], isOptional: Bool = false,
        upstreams: [SocketAddress] = [], domain: DomainName,
        networks: [CIDR] = [], logPath: String? = nil
    ) {
        self.addresses = addresses
        self.furtherAddresses = furtherAddresses
        self.isOptional = isOptional
        self.upstreams = upstreams
        self.domain = domain
        self.networks = networks
        self.logPath = logPath
    }
}
