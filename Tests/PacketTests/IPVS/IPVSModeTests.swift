import Conntrack
import DataPlane
import IPVS
import Logging
import NetworkTypes
import Testing
import TrafficModel

/// What the mode ipvs does besides the behaviours of all modes; run by `GuestTests` where this kernel has no IPVS.
@Suite(
    "The mode ipvs looks after its virtual servers", .serialized,
    .enabled { Mode.available.contains { $0.name == "ipvs" } })
struct IPVSModeTests {
    private func bench() async throws -> PacketBench {
        var mode = Mode.ipvs
        mode.make = { policy in
            try IPVSEnforcer(
                policy, flows: KernelFlows(), logger: Logger(label: "test"),
                audit: .milliseconds(50), looks: 1)
        }
        return try await PacketBench(mode, .v4)
    }

    private func servers(_ bench: PacketBench) throws -> [VirtualServer] {
        try bench.node.namespace.run { try KernelVirtualServers().list() }
    }

    @Test func `each scheduler leads connections to endpoints, and takes over from another`() async throws {
        let bench = try await bench()
        let web = bench.service("web", "a", "b", "c", "d")
        await bench.close()
        for scheduler in ServiceScheduler.allCases {
            let enforcer = try bench.node.namespace.run {
                try IPVSEnforcer(PacketBench.policy, scheduler: scheduler, logger: Logger(label: "test"))
            }
            let batch = EnforcementBatch(
                [.init(key: web.key, before: nil, after: web)], extent: .everything, on: bench.topology.identity)
            #expect(await enforcer.enforce(batch).problems == [web.key: []])
            #expect(try servers(bench).map(\.scheduler.rawValue) == [scheduler.rawValue])
            let spread = try bench.spread(from: bench.caller, web.clusterIPs[0], count: 40)
            switch scheduler {
            case .roundRobin, .weightedRoundRobin: #expect(spread == ["a": 10, "b": 10, "c": 10, "d": 10])
            case .leastConnections: #expect(Set(spread.keys).isSubset(of: ["a", "b", "c", "d"]) && spread.count > 1)
            case .sourceHashing, .maglevHashing: #expect(spread.count == 1 && spread.values.first == 40)
            }
            await enforcer.shutDown(grace: .zero)
        }
    }

    @Test func `the fewest connections for a Service that asks for them`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "a", "b")
        web.balancing = .leastConnections
        await bench.enforce(web)
        // Connections that stay: every other one goes to the other endpoint.
        var open: [Asker] = []
        var counts: [String: Int] = [:]
        for _ in 0..<10 {
            let (asker, first) = try bench.begin(from: bench.caller, web.clusterIPs[0])
            open.append(asker)
            counts[first.server ?? "nobody", default: 0] += 1
        }
        #expect(counts == ["a": 5, "b": 5])
        withExtendedLifetime(open) {}
        await bench.close()
    }

    @Test func `a connection to an endpoint that is gone goes on, and nothing is left when it has ended`() async throws
    {
        let bench = try await bench()
        let web = bench.service("web", "a")
        await bench.enforce(web)
        var asker: Asker? = try bench.begin(from: bench.client, web.clusterIPs[0]).asker
        #expect(asker?.echoes() == true)
        await bench.remove(web)
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0], within: PacketBench.silence).server == nil)
        #expect(asker?.echoes() == true)
        #expect(try servers(bench).count == 1)
        // It ends by a reset, of which IPVS wants to know for ten seconds more.
        asker = nil
        #expect(try await eventually { try servers(bench).isEmpty })
        let addresses = try bench.node.namespace.run { try KernelAddressDevice(IPVSEnforcer.device).addresses() }
        #expect(addresses == [])
        await bench.close()
    }

    @Test func `what somebody removed is told, and healed by everything anew`() async throws {
        let bench = try await bench()
        let web = bench.service("web", "a")
        await bench.enforce(web)
        let foreign = VirtualServer(
            key: .init(transport: 6, address: SocketAddress("10.80.0.1:99")!), scheduler: .roundRobin)
        try bench.node.namespace.run {
            let servers = try KernelVirtualServers()
            _ = try servers.perform(try servers.list().map { .removeServer($0.key) } + [.addServer(foreign)])
        }
        var losses = bench.enforcer.losses.makeAsyncIterator()
        #expect(await losses.next() == .everything)
        await bench.enforceEverything()
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0]).server == "a")
        #expect(try servers(bench).contains(foreign))
        // A clean-up leaves others theirs.
        await bench.close()
        try bench.node.namespace.run { try Mode.ipvs.cleanUp() }
        #expect(try servers(bench) == [foreign])
        #expect(try bench.node.namespace.run { try KernelAddressDevice(IPVSEnforcer.device).owner() } == nil)
    }

    @Test func `a device of another program is a reason not to begin`() throws {
        let namespace = try Namespace()
        try namespace.configure("link add \(IPVSEnforcer.device) type dummy")
        #expect(try namespace.run { IPVSEnforcer.obstacle() }?.contains("kube-proxy") == true)
        #expect(try namespace.run { try IPVSEnforcer.cleanUp() } == (0, false))
        #expect(try namespace.run { try KernelAddressDevice(IPVSEnforcer.device).owner() } == "")
    }

    @Test func `neighbours are not told that this machine has a Service's address`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "a")
        let address = bench.externalAddress(9)
        web.externalIPs = [address]
        await bench.enforce(web)
        #expect(try bench.ask(from: bench.caller, address).server == "a")
        // Somebody on the same cable asks who has it.
        try bench.caller.namespace.configure("route add \(address) dev eth0")
        #expect(try bench.ask(from: bench.caller, address).server == nil)
        try bench.caller.namespace.configure("route del \(address) dev eth0")
        #expect(try bench.ask(from: bench.caller, address).server == "a")
        await bench.close()
    }

    @Test func `another port of an external address refuses, whatever listens on this machine`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "a")
        web.externalIPs = [bench.externalAddress(9)]
        await bench.enforce(web)
        let listener = try EchoServer("node", in: bench.node.namespace, ports: [99])
        #expect(try bench.ask(from: bench.client, bench.node.address(.v4), 99).server == "node")
        for place in bench.everywhere {
            #expect(try bench.ask(from: place, bench.externalAddress(9), 99) == .refused, "from \(place.name)")
        }
        withExtendedLifetime(listener) {}
        await bench.close()
    }
}
