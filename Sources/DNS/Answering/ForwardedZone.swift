package import NetworkTypes

/// Where questions about a part of the name space go that this server does not speak for.
package struct ForwardedZone: Hashable, Sendable {
    /// Which of the servers that are up is asked first.
    package enum Policy: String, Hashable, Sendable {
        case random
        case roundRobin = "round_robin"
        case sequential
    }

    /// The root for everything.
    package var name: DomainName
    package var servers: [SocketAddress]
    /// Failures in a row after which a server counts as down; 0 for never.
    package var maximumFailures: Int
    package var policy = Policy.random
    /// Nobody is asked, though a wider zone may have servers.
    package var isClosed = false
    /// Parts of the zone about which nobody is asked.
    package var exceptions: [DomainName] = []
    /// Every question goes over TCP.
    package var forcesTCP = false
    /// The servers that are asked over TLS (RFC 7858), and how they prove who they are.
    package var secured: [SocketAddress: SecuredServer] = [:]

    package init(name: DomainName = .root, servers: [SocketAddress], maximumFailures: Int = 2) {
        self.name = name
        self.servers = servers
        self.maximumFailures = maximumFailures
    }

    func covers(_ name: WireName) -> Bool { self.name.wire.count == 1 || name.suffix(self.name.wire) != nil }

    /// Whether somebody can be asked about a name in it.
    func asks(about name: WireName) -> Bool {
        !isClosed && (exceptions.isEmpty || !exceptions.contains { name.suffix($0.wire) != nil })
    }
}

/// How a server that is asked over TLS proves who it is.
package struct SecuredServer: Hashable, Sendable {
    /// The name in its certificate; nil for its address (RFC 8310, 8.1).
    package var name: String?
    /// The only authorities that are accepted, as PEM; nil for those of the system.
    package var authoritiesPEM: [UInt8]?

    package init(name: String? = nil, authoritiesPEM: [UInt8]? = nil) {
        self.name = name
        self.authoritiesPEM = authoritiesPEM
    }
}

extension [ForwardedZone] {
    /// The most specific zone that has a name.
    package func index(for name: WireName) -> Int? {
        var best: Int?
        var length = 0
        for index in indices where self[index].name.wire.count > length && self[index].covers(name) {
            (best, length) = (index, self[index].name.wire.count)
        }
        return best
    }
}
