import Foundation
import KubeModel
import NFTables
import NetworkTypes
import Synchronization
import Testing
import TrafficModel

@testable import DataPlane

/// Packets between namespaces decide what the rules mean.
@Suite("nftables treats packets as the Services say", .serialized, .enabled(if: NetworkHost.isAvailable))
struct NFTablesEnforcerTests {
    private static func enforcer(on node: NetworkHost, _ policy: MasqueradePolicy = MasqueradePolicy()) throws
        -> NFTablesEnforcer
    {
        try NFTablesEnforcer(policy: policy, flows: nil, audit: .milliseconds(50)) { () throws(NFTablesError) in
            // On the enforcer's own thread, which belongs to the node from now on.
            try? node.enter()
            return try KernelRuleset()
        }
    }

    /// A Service with a cluster IP of each family and endpoints of both.
    private static func service(
        _ name: String = "web", _ transport: TransportProtocol = .tcp, endpoints: [Int], nodePort: UInt16? = nil
    ) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "default", name: name), clusterIPs: [virtual(.v4), virtual(.v6)],
            ports: [
                ServicePortEntry(
                    transport: transport, port: Port(80), nodePort: nodePort.map { Port($0) },
                    endpoints: endpoints.flatMap { number in
                        [IPFamily.v4, .v6].map { endpoint(number, $0) }
                    })
            ])
    }

    private static func endpoint(_ number: Int, _ family: IPFamily, on node: String = "node-2") -> ServiceEndpoint {
        ServiceEndpoint(
            address: SocketAddress(ip: PacketNetwork.backend(number, family), port: Port(8080)), nodeName: node)
    }

    private static func virtual(_ family: IPFamily) -> IPAddress {
        IPAddress(family == .v4 ? "10.97.0.10" : "fd97::10")!
    }

    private static func address(_ family: IPFamily, _ port: UInt16 = 80) -> SocketAddress {
        SocketAddress(ip: virtual(family), port: Port(port))
    }

    @discardableResult
    private func enforce(
        _ enforcer: NFTablesEnforcer, _ before: ServiceEntry?, _ after: ServiceEntry?,
        _ extent: EnforcementBatch.Extent = .changes
    ) async throws -> EnforcementReport {
        let key = try #require(before?.key ?? after?.key)
        let report = await enforcer.enforce(
            EnforcementBatch(
                [ServiceChange(key: key, before: before, after: after)], extent: extent, on: PacketNetwork.identity))
        #expect(report.problems.values.allSatisfy(\.isEmpty), "\(report.problems)")
        return report
    }

    private func serve(_ network: PacketNetwork, _ numbers: [Int], _ transports: [TransportProtocol] = [.tcp]) throws {
        for number in numbers {
            for family in TableLayout.families {
                for transport in transports {
                    try network.serve(
                        "b\(number)", transport,
                        on: SocketAddress(ip: PacketNetwork.backend(number, family), port: Port(8080)))
                }
            }
        }
    }

    @Test(arguments: TableLayout.families, [TransportProtocol.tcp, .udp])
    func `cluster IPs reach every endpoint, and those that changed`(
        family: IPFamily, transport: TransportProtocol
    ) async throws {
        let network = try PacketNetwork()
        try serve(network, [2, 3, 4], [transport])
        let enforcer = try Self.enforcer(on: network.node)
        let address = Self.address(family)
        let both = Self.service("web", transport, endpoints: [2, 3])
        try await enforce(enforcer, nil, both, .everything)
        #expect(Set(try network.tally(40, transport, address).keys) == ["b2", "b3"])
        // The client keeps its address: nothing is between them but this node.
        let seen = try network.ask(transport, address)
        #expect([2, 3].map { .answered("b\($0)", by: PacketNetwork.clientAddresses[family]!) }.contains(seen))
        let other = Self.service("web", transport, endpoints: [3, 4])
        try await enforce(enforcer, both, other)
        #expect(Set(try network.tally(40, transport, address).keys) == ["b3", "b4"])
        let one = Self.service("web", transport, endpoints: [4])
        try await enforce(enforcer, other, one)
        #expect(try network.tally(10, transport, address) == ["b4": 10])
        // From the node itself.
        #expect(try network.ask(transport, address, from: network.node).backend == "b4")
        // Other ports of it are refused, and so is this one without endpoints.
        #expect(try network.ask(transport, Self.address(family, 81)) == .refused)
        let none = Self.service("web", transport, endpoints: [])
        try await enforce(enforcer, one, none)
        #expect(try network.ask(transport, address) == .refused)
        #expect(try network.ask(transport, address, from: network.node) == .refused)
        try await enforce(enforcer, none, one)
        #expect(try network.ask(transport, address).backend == "b4")
        await enforcer.shutDown(grace: .zero)
    }

    @Test func `the choice of an endpoint is even`() async throws {
        let network = try PacketNetwork()
        try serve(network, [2, 3, 4, 5, 6], [.udp])
        let enforcer = try Self.enforcer(on: network.node)
        try await enforce(enforcer, nil, Self.service("web", .udp, endpoints: [2, 3, 4, 5, 6]), .everything)
        let tally = try network.tally(10_000, .udp, Self.address(.v4))
        let expected = 2000.0
        let statistic = tally.values.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        // Chi-square with four degrees of freedom: an even choice exceeds this once in a million.
        #expect(tally.count == 5 && statistic < 33.4, "\(tally)")
        await enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: TableLayout.families)
    func `a client keeps its endpoint while that is one, whatever the others do`(family: IPFamily) async throws {
        let network = try PacketNetwork()
        try serve(network, [2, 3, 4, 5])
        let enforcer = try Self.enforcer(on: network.node)
        var service = Self.service(endpoints: [2, 3, 4])
        service.affinitySeconds = 60
        try await enforce(enforcer, nil, service, .everything)
        let address = Self.address(family)
        let first = try #require(try network.ask(.tcp, address).backend)
        #expect(try network.tally(20, .tcp, address) == [first: 20])
        var more = Self.service(endpoints: [2, 3, 4, 5])
        more.affinitySeconds = 60
        try await enforce(enforcer, service, more)
        #expect(try network.tally(20, .tcp, address) == [first: 20])
        // A restart forgets nothing.
        await enforcer.shutDown(grace: .zero)
        let next = try Self.enforcer(on: network.node)
        try await enforce(next, nil, more, .everything)
        #expect(try network.tally(20, .tcp, address) == [first: 20])
        // Its own endpoint goes: it gets another one, and keeps that.
        var fewer = Self.service(endpoints: [2, 3, 4, 5].filter { "b\($0)" != first })
        fewer.affinitySeconds = 60
        try await enforce(next, more, fewer)
        let second = try #require(try network.ask(.tcp, address).backend)
        #expect(second != first)
        #expect(try network.tally(20, .tcp, address) == [second: 20])
        await next.shutDown(grace: .zero)
    }

    @Test(arguments: TableLayout.families)
    func `node ports: Cluster hides the client, Local keeps its address, and is silent without endpoints here`(
        family: IPFamily
    ) async throws {
        let network = try PacketNetwork()
        try serve(network, [2])
        let enforcer = try Self.enforcer(on: network.node)
        let nodePort = SocketAddress(ip: PacketNetwork.nodeAddresses[family]!, port: Port(30080))
        let cluster = Self.service(endpoints: [2], nodePort: 30080)
        try await enforce(enforcer, nil, cluster, .everything)
        #expect(try network.ask(.tcp, nodePort) == .answered("b2", by: PacketNetwork.nodeInside[family]!))
        var elsewhere = cluster
        elsewhere.externalTrafficPolicy = .local
        try await enforce(enforcer, cluster, elsewhere)
        #expect(try network.ask(.tcp, nodePort, within: 300) == .silent)
        var here = elsewhere
        here.ports[0].endpoints = TableLayout.families.map { Self.endpoint(2, $0, on: "node-1") }
        try await enforce(enforcer, elsewhere, here)
        #expect(try network.ask(.tcp, nodePort) == .answered("b2", by: PacketNetwork.clientAddresses[family]!))
        await enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: TableLayout.families)
    func `load-balancer addresses serve the networks that may use them, and nobody for ranges that make no sense`(
        family: IPFamily
    ) async throws {
        let network = try PacketNetwork()
        try serve(network, [2])
        let enforcer = try Self.enforcer(on: network.node)
        let balancer = IPAddress(family == .v4 ? "198.51.100.7" : "2001:db8::7")!
        let address = SocketAddress(ip: balancer, port: Port(80))
        var service = Self.service(endpoints: [2])
        service.loadBalancerIPs = [balancer]
        try await enforce(enforcer, nil, service, .everything)
        #expect(try network.ask(.tcp, address).backend == "b2")
        for (ranges, outcome) in [
            (["10.88.0.0/24", "10.88.1.0/25", "10.88.1.128/25", "fd88:1::/64"], "b2"),
            (["10.99.0.0/16", "fd99::/16"], nil), (["nonsense"], nil),
        ] as [([String], String?)] {
            var guarded = service
            guarded.loadBalancerSourceRanges = SourceRanges(spec: ranges, annotation: nil)
            try await enforce(enforcer, service, guarded)
            let seen = try network.ask(.tcp, address, within: outcome == nil ? 300 : 2000)
            #expect(seen.backend == outcome)
            if outcome == nil { #expect(seen == .silent) }
            #expect(try network.ask(.tcp, Self.address(family)).backend == "b2")
            service = guarded
        }
        await enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: TableLayout.families)
    func `an endpoint reaches itself through its Service`(family: IPFamily) async throws {
        let network = try PacketNetwork()
        try serve(network, [2])
        let enforcer = try Self.enforcer(on: network.node)
        var service = Self.service(endpoints: [2])
        service.ports[0].endpoints = TableLayout.families.map { Self.endpoint(2, $0, on: "node-1") }
        try await enforce(enforcer, nil, service, .everything)
        let own = PacketNetwork.backend(2, family)
        #expect(
            try network.ask(.tcp, Self.address(family), from: network.backends, as: own)
                == .answered("b2", by: PacketNetwork.nodeInside[family]!))
        await enforcer.shutDown(grace: .zero)
    }

    @Test func `who is masqueraded follows the policy`() async throws {
        let network = try PacketNetwork()
        try serve(network, [2])
        var (all, pods, sparing) = (MasqueradePolicy(), MasqueradePolicy(), MasqueradePolicy())
        all.isForAll = true
        pods.podNetworks = [CIDR("10.88.1.0/24")!, CIDR("fd88:ffff::/32")!]
        sparing.sparesHome = true
        var service = Self.service(endpoints: [2], nodePort: 30080)
        service.ports[0].endpoints = TableLayout.families.map { Self.endpoint(2, $0, on: "node-1") }
        func seen(_ address: SocketAddress) throws -> IPAddress? {
            guard case .answered(_, let seen) = try network.ask(.tcp, address) else { return nil }
            return seen
        }
        let nodePort = SocketAddress(ip: PacketNetwork.nodeAddresses[.v4]!, port: Port(30080))
        for (policy, cluster4, cluster6, external) in [
            (all, PacketNetwork.nodeInside, PacketNetwork.nodeInside, PacketNetwork.nodeInside),
            (pods, PacketNetwork.clientAddresses, PacketNetwork.nodeInside, PacketNetwork.nodeInside),
            (sparing, PacketNetwork.clientAddresses, PacketNetwork.clientAddresses, PacketNetwork.clientAddresses),
        ] {
            let enforcer = try Self.enforcer(on: network.node, policy)
            try await enforce(enforcer, nil, service, .everything)
            #expect(try seen(Self.address(.v4)) == cluster4[.v4])
            #expect(try seen(Self.address(.v6)) == cluster6[.v6])
            #expect(try seen(nodePort) == external[.v4])
            await enforcer.shutDown(grace: .zero)
        }
    }

    @Test func `a restart ends no connection, and what happened meanwhile is made good`() async throws {
        let network = try PacketNetwork()
        try serve(network, [2, 3, 4])
        let first = try Self.enforcer(on: network.node)
        let service = Self.service(endpoints: [2, 3])
        let gone = Self.service("gone", .udp, endpoints: [2])
        try await enforce(first, nil, service, .everything)
        try await enforce(first, nil, gone)
        let conversation = try network.client.run {
            try Conversation(.tcp, as: nil, within: 2000).connected(to: Self.address(.v4))
        }
        let backend = try #require(conversation.ask().backend)
        // As after kill -9: nothing is said to the kernel.
        await first.shutDown(grace: .zero)
        #expect(conversation.ask().backend == backend)
        #expect(Set(try network.tally(40, .tcp, Self.address(.v4)).keys) == ["b2", "b3"])
        let second = try Self.enforcer(on: network.node)
        try await enforce(second, nil, Self.service(endpoints: [3, 4]), .everything)
        #expect(conversation.ask().backend == backend)
        #expect(Set(try network.tally(40, .tcp, Self.address(.v4)).keys) == ["b3", "b4"])
        #expect(try network.ask(.udp, Self.address(.v4)) == .refused)
        conversation.end()
        await second.shutDown(grace: .zero)
    }

    @Test(arguments: [
        "nft delete table inet martlet", "nft flush chain inet martlet services", "nft flush table inet martlet",
        "nft delete element inet martlet cluster-ips4 '{ 10.97.0.10 }'",
    ])
    func `what others delete is told and comes back, and theirs is left alone`(command: String) async throws {
        guard access("/usr/sbin/nft", X_OK) == 0 else { return print("skipped: there is no nft here") }
        let network = try PacketNetwork()
        try serve(network, [2])
        try network.node.shell("nft add table ip docker")
        try network.node.shell("nft add chain ip docker mine '{ type filter hook input priority 0; }'")
        let enforcer = try Self.enforcer(on: network.node)
        let service = Self.service(endpoints: [2])
        try await enforce(enforcer, nil, service, .everything)
        let before = try network.node.shell("nft list table ip docker")
        try network.node.shell(command)
        var losses = enforcer.losses.makeAsyncIterator()
        #expect(await losses.next() == .everything)
        try await enforce(enforcer, service, service, .everything)
        #expect(try network.ask(.tcp, Self.address(.v4)).backend == "b2")
        #expect(try network.ask(.tcp, Self.address(.v4, 81)) == .refused)
        #expect(try network.node.shell("nft list table ip docker") == before)
        await enforcer.shutDown(grace: .zero)
    }

    @Test func `a running kube-proxy is noticed`() async throws {
        guard access("/usr/sbin/nft", X_OK) == 0 else { return print("skipped: there is no nft here") }
        let network = try PacketNetwork()
        let enforcer = try Self.enforcer(on: network.node)
        #expect(await enforcer.rivals().isEmpty)
        try network.node.shell("nft add table ip kube-proxy")
        #expect(await enforcer.rivals().count == 1)
        await enforcer.shutDown(grace: .zero)
    }

    @Test func `nothing is left after a clean-up`() async throws {
        let network = try PacketNetwork()
        let enforcer = try Self.enforcer(on: network.node)
        try await enforce(enforcer, nil, Self.service(endpoints: [2]), .everything)
        await enforcer.shutDown(grace: .zero)
        #expect(try network.node.run { try NFTablesEnforcer.cleanUp() })
        #expect(try network.node.run { try KernelRuleset().tables() }.isEmpty)
        #expect(try network.node.run { try !NFTablesEnforcer.cleanUp() })
    }
}
