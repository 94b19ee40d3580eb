package import NetworkTypes

/// Where questions about a part of the name space go that this server does not speak for.
package struct ForwardedZone: Hashable, Sendable {
    /// Which server is asked first.
    package enum Policy: Hashable, Sendable {
        case random, roundRobin, sequential
    }

    /// The root for everything.
    package var name: DomainName
    /// Parts of it that are not asked for.
    package var exceptions: [DomainName]
    package var servers: [SocketAddress]
    package var policy: Policy
    /// Every question goes by TCP.
    package var forcesTCP: Bool
    /// Failures in a row after which a server counts as down; 0 for never.
    package var maximumFailures: Int

    package init(
        name: DomainName = .root, exceptions: [DomainName] = [], servers: [SocketAddress], policy: Policy = .random,
        forcesTCP: Bool = false, maximumFailures: Int = 2
    ) {
        self.name = name
        self.exceptions = exceptions
        self.servers = servers
        self.policy = policy
        self.forcesTCP = forcesTCP
        self.maximumFailures = maximumFailures
    }

    func covers(_ name: WireName) -> Bool {
        (self.name.wire.count == 1 || name.suffix(self.name.wire) != nil)
            && !exceptions.contains { name.suffix($0.wire) != nil }
    }
}

extension [ForwardedZone] {
    /// The most specific zone that has a name.
    package func index(for name: WireName) -> Int? {
        indices.filter { self[$0].covers(name) }.max { self[$0].name.wire.count < self[$1].name.wire.count }
    }
}
