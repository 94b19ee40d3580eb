package import NetworkTypes

/// Where questions about a part of the name space go that this server does not speak for. Which server is asked first is
/// left to chance.
package struct ForwardedZone: Hashable, Sendable {
    /// The root for everything.
    package var name: DomainName
    package var servers: [SocketAddress]
    /// Failures in a row after which a server counts as down; 0 for never.
    package var maximumFailures: Int

    package init(name: DomainName = .root, servers: [SocketAddress], maximumFailures: Int = 2) {
        self.name = name
        self.servers = servers
        self.maximumFailures = maximumFailures
    }

    func covers(_ name: WireName) -> Bool { self.name.wire.count == 1 || name.suffix(self.name.wire) != nil }
}

extension [ForwardedZone] {
    /// The most specific zone that has a name.
    package func index(for name: WireName) -> Int? {
        indices.filter { self[$0].covers(name) }.max { self[$0].name.wire.count < self[$1].name.wire.count }
    }
}
