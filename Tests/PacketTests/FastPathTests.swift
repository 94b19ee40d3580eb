import Conntrack
import DataPlane
import Logging
import NFTables
import NetworkTypes
import Testing
import TrafficModel

/// What a flowtable does besides the behaviours of all modes; run by `GuestTests` where this kernel has none.
@Suite(
    "Established connections take the fast path, and leave it when they are to", .serialized,
    .enabled { Mode.available.contains { $0.name == "flowtable" } })
struct FastPathTests {
    private func bench() async throws -> PacketBench {
        var mode = Mode.flowtable
        mode.make = { policy in
            try NFTablesEnforcer(
                policy: policy, hasFastPath: true, flows: KernelFlows(), logger: Logger(label: "test"),
                audit: .milliseconds(50))
        }
        return try await PacketBench(mode, .v4)
    }

    private static let wall = NFTable(.inet, "wall")

    /// Lets nothing pass that comes by the rules.
    private func build(_ bench: PacketBench) throws {
        try bench.node.namespace.run {
            try KernelRuleset().commit(
                NFTransaction(
                    Self.wall,
                    [
                        .addTable, .addChain(NFChain("forward", hook: .init(.filter, .forward, priority: 0))),
                        .addRule(NFRule(in: "forward", comment: "nothing", [.verdict(.drop)])),
                    ]), expecting: nil)
        }
    }

    private func tearDown(_ bench: PacketBench) throws {
        try bench.node.namespace.run {
            try KernelRuleset().commit(NFTransaction(Self.wall, [.deleteTable]), expecting: nil)
        }
    }

    /// The devices that the flowtable has.
    private func devices(_ bench: PacketBench) throws -> Set<String> {
        let listing = try bench.node.namespace.run {
            try KernelRuleset().listing(of: NFTable(.inet, "martlet"), leavingOut: [])
        }
        return Set(try #require(listing?.flowtables.values.first).devices)
    }

    @Test(arguments: [TransportProtocol.tcp, .udp])
    func `packets of an established connection pass no rule`(transport: TransportProtocol) async throws {
        let bench = try await bench()
        let web = bench.service("web", ports: [(80, 8080, transport)], "c")
        await bench.enforce(web)
        let (asker, first) = try bench.begin(from: bench.client, web.clusterIPs[0], 80, transport)
        #expect(first.server == "c")
        func goesOn() -> Bool {
            transport == .tcp ? asker.echoes() : asker.ask(within: PacketBench.patience).server == "c"
        }
        // Both directions have been seen by then.
        for _ in 0..<3 { #expect(goesOn()) }
        try build(bench)
        let stranger = try bench.ask(from: bench.client, web.clusterIPs[0], 80, transport, within: PacketBench.silence)
        #expect(stranger == .silent)
        for _ in 0..<5 { #expect(goesOn()) }
        try tearDown(bench)
        await bench.close()
    }

    @Test func `a flow whose endpoint is gone leaves the fast path`() async throws {
        let bench = try await bench()
        var dns = bench.service("dns", ports: [(53, 8080, .udp)], "c")
        await bench.enforce(dns)
        let (asker, first) = try bench.begin(from: bench.client, dns.clusterIPs[0], 53, .udp)
        #expect(first.server == "c")
        for _ in 0..<3 { #expect(asker.ask(within: PacketBench.patience).server == "c") }
        dns.ports[0].endpoints = [bench.endpoint("d")]
        await bench.enforce(dns)
        // The kernel looks for entries that are to go once a second.
        #expect(await eventually { asker.ask(within: PacketBench.patience).server == "d" })
        await bench.close()
    }

    @Test func `interfaces are followed as they come, go and come back`() async throws {
        let bench = try await bench()
        await bench.enforce(bench.service("web", "a"))
        let namespace = bench.node.namespace
        let present = try devices(bench)
        #expect(present.isSuperset(of: ["eth0", "to-a", "to-b"]) && !present.contains("lo"))
        for _ in 0..<2 {
            try namespace.configure("link add late type dummy")
            #expect(try await eventually { try devices(bench).contains("late") })
            try namespace.configure("link del late")
        }
        #expect(try bench.ask(from: bench.client, bench.services.values.first?.clusterIPs[0] ?? .anyV4).server == "a")
        await bench.close()
    }

    @Test func `nothing of it is left without the wish, and after a clean-up`() async throws {
        let bench = try await bench()
        let web = bench.service("web", "c")
        await bench.enforce(web)
        await bench.close()
        let plain = try bench.node.namespace.run {
            try NFTablesEnforcer(policy: PacketBench.policy, logger: Logger(label: "test"))
        }
        _ = await plain.enforce(
            EnforcementBatch(
                [.init(key: web.key, before: nil, after: web)], extent: .everything, on: bench.topology.identity))
        let listing = try bench.node.namespace.run {
            try KernelRuleset().listing(of: NFTable(.inet, "martlet"), leavingOut: [])
        }
        #expect(listing?.flowtables.isEmpty == true)
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0]).server == "c")
        await plain.shutDown(grace: .zero)
        let again = try await self.bench()
        await again.close()
        let left = try again.node.namespace.run {
            _ = try NFTablesEnforcer.cleanUp()
            return try KernelRuleset().tables()
        }
        #expect(left.isEmpty)
    }
}
