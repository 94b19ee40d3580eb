import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

/// What the mode iptables does besides the behaviours of all modes.
@Suite(
    "The mode iptables looks after its chains, and serves this machine's loopback addresses", .serialized,
    .enabled { Mode.available.contains { $0.name == "iptables" } })
struct IPTablesModeTests {
    private static let here = IPAddress.loopbackV4

    /// Node 1, with node ports on 127.0.0.1 and `::1` as well.
    private func identity(_ bench: PacketBench) -> NodeIdentity {
        var identity = bench.topology.identity
        identity.nodePortAddresses += [Self.here, .loopbackV6]
        return identity
    }

    private func enforce(_ bench: PacketBench, _ service: ServiceEntry) async -> EnforcementReport {
        await bench.enforcer.enforce(
            EnforcementBatch(
                [ServiceChange(key: service.key, before: nil, after: service)], extent: .everything, on: identity(bench)
            ))
    }

    @Test(arguments: [TrafficPolicy.cluster, .local])
    func `node ports and cluster IPs in 127.0.0.0 slash 8 lead to endpoints elsewhere`(policy: TrafficPolicy)
        async throws
    {
        let bench = try await PacketBench(.iptables, .v4)
        try bench.node.namespace.configure("link set lo up")
        var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "c")
        web.externalTrafficPolicy = policy
        for index in web.ports.indices { web.ports[index].nodePort = Port(30080 + UInt16(index)) }
        let loopback = try #require(IPAddress("127.96.0.9"))
        web.clusterIPs.append(loopback)
        #expect(await enforce(bench, web).problems == [web.key: []])
        for (port, nodePort, transport) in [(UInt16(80), UInt16(30080), TransportProtocol.tcp), (53, 30081, .udp)] {
            #expect(try bench.ask(from: bench.node, Self.here, nodePort, transport).server == "c")
            #expect(try bench.ask(from: bench.node, loopback, port, transport).server == "c")
        }
        await bench.close()
    }

    @Test func `nobody outside reaches what listens on loopback addresses`() async throws {
        let bench = try await PacketBench(.iptables, .v4)
        try bench.node.namespace.configure("link set lo up")
        var web = bench.service("web", "c")
        web.ports[0].nodePort = 30080
        _ = await enforce(bench, web)
        let server = try EchoServer("private", in: bench.node.namespace, ports: [9099])
        // A neighbour that sends such packets here, and takes answers from there.
        let neighbour = bench.caller.namespace
        try neighbour.sysctl(["ipv4/conf/all/route_localnet": "1"])
        try neighbour.configure("route add 127.0.0.9/32 via 10.81.1.1 dev eth0 onlink")
        let target = try #require(IPAddress("127.0.0.9"))
        #expect(try bench.ask(from: bench.node, target, 9099).server == "private")
        #expect(try bench.ask(from: bench.caller, target, 9099, within: PacketBench.silence) == .silent)
        // It is the guard that keeps it out.
        try bench.node.namespace.command(["iptables", "-F", "KUBE-LOOPBACK"])
        #expect(try bench.ask(from: bench.caller, target, 9099).server == "private")
        // A clean-up leaves the kernel as it is by itself.
        try bench.node.namespace.run { _ = try IPTablesEnforcer.cleanUp() }
        #expect(try bench.ask(from: bench.caller, target, 9099, within: PacketBench.silence) == .silent)
        withExtendedLifetime(server) {}
        await bench.close()
    }

    @Test(arguments: [[], ["-F", "INPUT"], ["-F", "FORWARD"], ["-t", "nat", "-F", "PREROUTING"]])
    func `nobody outside reaches a Service by a loopback address, also where the rules were healed`(damage: [String])
        async throws
    {
        let bench = try await PacketBench(.iptables, .v4)
        try bench.node.namespace.configure("link set lo up")
        let target = try #require(IPAddress("127.0.0.9"))
        var identity = bench.topology.identity
        identity.nodePortAddresses += [target]
        var web = bench.service("web", "c")
        web.ports[0].nodePort = 30080
        let batch = EnforcementBatch(
            [ServiceChange(key: web.key, before: nil, after: web)], extent: .everything, on: identity)
        _ = await bench.enforcer.enforce(batch)
        if !damage.isEmpty {
            try bench.node.namespace.command(["iptables"] + damage)
            _ = await bench.enforcer.enforce(batch)
        }
        let neighbour = bench.caller.namespace
        try neighbour.sysctl(["ipv4/conf/all/route_localnet": "1"])
        try neighbour.configure("route add 127.0.0.9/32 via 10.81.1.1 dev eth0 onlink")
        #expect(try bench.ask(from: bench.node, target, 30080).server == "c")
        #expect(try bench.ask(from: bench.caller, target, 30080, within: PacketBench.silence) == .silent)
        // It is the guard that keeps it out.
        try bench.node.namespace.command(["iptables", "-F", "KUBE-LOOPBACK"])
        #expect(try bench.ask(from: bench.caller, target, 30080).server == "c")
        await bench.close()
    }

    @Test func `hundreds of Services are loaded, changed, taken over and removed`() async throws {
        let bench = try await PacketBench(.iptables, .v4)
        // More chains than one transaction names.
        let count = IPTablesRuleset.chainLimit / 2
        var services = (0..<count).map { bench.service("s\($0)", "a", "c") }
        func enforce(_ extent: EnforcementBatch.Extent, _ change: (inout ServiceEntry) -> Void) async
            -> EnforcementReport
        {
            var changes: [ServiceChange] = []
            for index in services.indices {
                let before = services[index]
                change(&services[index])
                changes.append(ServiceChange(key: before.key, before: before, after: services[index]))
            }
            return await bench.enforcer.enforce(EnforcementBatch(changes, extent: extent, on: bench.topology.identity))
        }
        func heard() throws -> Set<String> {
            Set(
                try [services[0], services[count / 2], services[count - 1]].flatMap {
                    try bench.spread(from: bench.caller, $0.clusterIPs[0], count: 20).keys
                })
        }
        #expect(await enforce(.everything) { _ in }.failure == nil)
        #expect(try heard() == ["a", "c"])
        let (asker, _) = try bench.begin(from: bench.client, services[count - 1].clusterIPs[0])
        #expect(
            await enforce(.changes) { $0.ports[0].endpoints = [bench.endpoint("b"), bench.endpoint("d")] }.failure
                == nil)
        #expect(try heard() == ["b", "d"])
        // What another process begins with.
        let next = try bench.node.namespace.run { try Mode.iptables.make(PacketBench.policy) }
        let left = services.suffix(1).map { ServiceChange(key: $0.key, before: nil, after: $0) }
        let batch = EnforcementBatch(left, extent: .everything, on: bench.topology.identity)
        #expect(await next.enforce(batch).failure == nil)
        let listed = try bench.node.namespace.command(["iptables-save", "-t", "nat"])
        #expect(listed.split(separator: "\n").count { $0.hasPrefix(":KUBE-SEP") } == 2)
        #expect(try bench.ask(from: bench.caller, services[count - 1].clusterIPs[0]).server != nil)
        #expect(asker.echoes())
        await next.shutDown(grace: .zero)
        #expect(await enforce(.everything) { _ in }.failure == nil)
        #expect(try heard() == ["b", "d"])
        try bench.node.namespace.run { _ = try IPTablesEnforcer.cleanUp() }
        let rest = try bench.node.namespace.command(["iptables-save"])
        #expect(!rest.contains("KUBE"), "\(rest)")
        await bench.close()
    }

    @Test(arguments: [["-t", "nat", "-F"], ["-F", "INPUT"], ["-t", "nat", "-D", "PREROUTING", "1"]])
    func `what somebody flushed is told, and healed by everything anew`(damage: [String]) async throws {
        let bench = try await PacketBench(.iptables, .v4)
        let web = bench.service("web", "a")
        await bench.enforce(web)
        let (asker, _) = try bench.begin(from: bench.caller, web.clusterIPs[0])
        try bench.node.namespace.command(["iptables"] + damage)
        var losses = bench.enforcer.losses.makeAsyncIterator()
        #expect(await losses.next() == .everything)
        await bench.enforceEverything()
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0]).server == "a")
        #expect(asker.echoes())
        // Once healed it is looked at again.
        try bench.node.namespace.command(["iptables"] + damage)
        #expect(await losses.next() == .everything)
        await bench.close()
    }
}
