package import NetworkTypes

/// Where questions about a part of the name space go that this server does not speak for.
package struct ForwardedZone: OfZone, Hashable, Sendable {
    /// Which of the servers that are up is asked first.
    package enum Policy: String, Hashable, Sendable {
        case random
        case roundRobin = "round_robin"
        case sequential
    }

    /// The root for everything.
    package var name: DomainName
    /// Empty where nobody is asked, though a wider zone may have servers.
    package var servers: [SocketAddress]
    /// Failures in a row after which a server counts as down; 0 for never.
    package var maximumFailures: Int
    package var policy = Policy.random
    /// Parts of the zone about which nobody is asked.
    package var exceptions: [DomainName] = []
    /// Every question goes over TCP.
    package var forcesTCP = false
    /// The servers that are asked over TLS (RFC 7858) or HTTPS (RFC 8484), and how they prove who they are.
    package var secured: [SocketAddress: SecuredServer] = [:]

    package init(name: DomainName = .root, servers: [SocketAddress], maximumFailures: Int = 2) {
        self.name = name
        self.servers = servers
        self.maximumFailures = maximumFailures
    }

    var zone: DomainName { name }

    /// The servers as flags name them.
    package var texts: [String] { servers.map { secured[$0]?.text(at: $0) ?? $0.description } }

    /// Nobody is asked.
    package var isClosed: Bool { servers.isEmpty }

    /// Whether somebody can be asked about a name in it.
    func asks(about name: WireName) -> Bool {
        !isClosed && (exceptions.isEmpty || !exceptions.contains { name.isWithin($0) })
    }
}

/// How a server that is asked over TLS or HTTPS proves who it is.
package struct SecuredServer: Hashable, Sendable {
    /// The name in its certificate; nil for its address (RFC 8310, 8.1).
    package var name: String?
    /// The only authorities that are accepted, as PEM; nil for those of the system.
    package var authoritiesPEM: [UInt8]?
    /// Where on the server questions go over HTTPS, beginning with `/`; nil for DNS over TLS.
    package var path: String?

    package init(name: String? = nil, authoritiesPEM: [UInt8]? = nil, path: String? = nil) {
        self.name = name
        self.authoritiesPEM = authoritiesPEM
        self.path = path
    }

    /// The server as flags name it: `tls://192.0.2.53:853#dns.example.com`, `https://192.0.2.53:443/dns-query`.
    package func text(at address: SocketAddress) -> String {
        "\(path == nil ? "tls" : "https")://\(address)\(path ?? "")\(name.map { "#\($0)" } ?? "")"
    }
}
