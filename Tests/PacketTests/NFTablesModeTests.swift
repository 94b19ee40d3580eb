import Conntrack
import DataPlane
import Logging
import NFTables
import NetworkTypes
import System
import Testing
import TrafficModel

/// What the mode nftables does besides the behaviours of all modes.
@Suite(
    "The mode nftables looks after its table", .serialized,
    .enabled { Mode.available.contains { $0.name == "nftables" } })
struct NFTablesModeTests {
    private static let table = NFTable(.inet, "martlet")

    private func bench(_ policy: MasqueradePolicy = PacketBench.policy) async throws -> PacketBench {
        var mode = Mode.nftables
        mode.make = { _ in
            try NFTablesEnforcer(
                policy: policy, flows: KernelFlows(), logger: Logger(label: "test"), audit: .milliseconds(50))
        }
        return try await PacketBench(mode, .v4)
    }

    /// What somebody else did to the table.
    enum Damage: CaseIterable {
        case tableDeleted, chainFlushed, elementDeleted, elementChanged, ruleAdded, strangersAdded

        /// Whether it stops traffic to other Services.
        var isGeneral: Bool { self == .tableDeleted || self == .chainFlushed || self == .ruleAdded }

        private static func slot(_ service: ServiceEntry) -> NFValue {
            NFValue().appending(service.clusterIPs[0].bytes).appending(UInt8(6)).appending(UInt16(80))
                .appending(host: 0)
        }

        func operations(_ service: ServiceEntry) -> [NFTransaction.Operation] {
            switch self {
            case .tableDeleted: [.deleteTable]
            case .chainFlushed: [.flushChain("services")]
            case .elementChanged:
                // The first endpoint of the first port, led astray.
                [
                    .deleteElements(set: "endpoints4", [NFElement(Self.slot(service))]),
                    .addElements(
                        set: "endpoints4",
                        [
                            NFElement(
                                Self.slot(service),
                                .value(NFValue().appending([192, 0, 2, 9] as [UInt8]).appending(UInt16(9))))
                        ]),
                ]
            case .ruleAdded:
                [.addRule(NFRule(in: "output", comment: "somebody's", [.verdict(.accept)]))]
            case .strangersAdded:
                [
                    .addChain(NFChain("somebodys")), .addSet(NFSet("somebodys", key: .port)),
                    .addElements(
                        set: "cluster-ips4", [NFElement(NFValue().appending([192, 0, 2, 8] as [UInt8]))]),
                ]
            case .elementDeleted:
                [
                    .deleteElements(
                        set: "cluster-ips4", [NFElement(NFValue().appending(service.clusterIPs[0].bytes))])
                ]
            }
        }
    }

    @Test(arguments: Damage.allCases)
    func `what others did to it is told, and healed by everything anew`(damage: Damage) async throws {
        let bench = try await bench()
        let (web, other) = (bench.service("web", "a"), bench.service("other", "c"))
        await bench.enforce(web, other)
        let (asker, _) = try bench.begin(from: bench.caller, web.clusterIPs[0])
        try bench.node.namespace.run {
            let ruleset = try KernelRuleset()
            // Somebody else's table stays as it is.
            try ruleset.commit(
                NFTransaction(NFTable(.ipv4, "docker"), [.addTable, .addSet(NFSet("theirs", key: .port))]),
                expecting: nil)
            try ruleset.commit(NFTransaction(Self.table, damage.operations(web)), expecting: nil)
        }
        var losses = bench.enforcer.losses.makeAsyncIterator()
        #expect(await losses.next() == .everything)
        // Whom the damage does not concern notices neither it nor the healing.
        let (namespace, address) = (bench.client.namespace, SocketAddress(ip: other.clusterIPs[0], port: 80))
        async let answers = Self.ask(50, from: namespace, address)
        await bench.enforceEverything()
        let heard = try await answers
        #expect(damage.isGeneral || heard == ["c"], "\(heard)")
        #expect(asker.echoes())
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0]).server == "a")
        #expect(try bench.ask(from: bench.client, other.clusterIPs[0]).server == "c")
        #expect(try bench.ask(from: bench.client, web.clusterIPs[0], 81) == .refused)
        let theirs = try bench.node.namespace.run {
            try KernelRuleset().listing(of: NFTable(.ipv4, "docker"), leavingOut: [])
        }
        #expect(theirs?.sets.keys.map(\.self) == ["theirs"])
        await bench.close()
    }

    /// Who answers new connections.
    private static func ask(_ count: Int, from namespace: Namespace, _ address: SocketAddress) async throws
        -> Set<String>
    {
        var heard: Set<String> = []
        for _ in 0..<count {
            let outcome = try Asker(in: namespace, to: address, .tcp).begin(within: PacketBench.silence)
            heard.insert(outcome.server ?? "\(outcome)")
        }
        return heard
    }

    @Test func `who is masqueraded follows the policy`() async throws {
        var (all, pods, sparing) = (MasqueradePolicy(), MasqueradePolicy(), MasqueradePolicy())
        all.isForAll = true
        pods.podNetworks = [CIDR("10.80.0.10/32")].compactMap { $0 }
        sparing.sparesHome = true
        for (policy, isSeenInside, isSeenOutside) in [(all, false, false), (pods, true, false), (sparing, true, true)] {
            let bench = try await bench(policy)
            var web = bench.service("web", "a")
            web.ports[0].nodePort = 30080
            await bench.enforce(web)
            let client = bench.client.address(.v4)
            let inside = try bench.ask(from: bench.client, web.clusterIPs[0])
            let outside = try bench.ask(from: bench.client, bench.node.v4, 30080)
            #expect(inside.server == "a" && (inside.seen == client) == isSeenInside)
            #expect(outside.server == "a" && (outside.seen == client) == isSeenOutside)
            await bench.close()
        }
    }

    @Test func `addresses in 127.0.0.0/8 lead from this node to endpoints elsewhere`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "a", "c")
        web.clusterIPs = [try #require(IPAddress("127.96.0.7"))]
        await bench.enforce(web)
        #expect(Set(try bench.spread(from: bench.node, web.clusterIPs[0], count: 40).keys) == ["a", "c"])
        await bench.close()
    }

    @Test func `administrators can look at it with nft`() async throws {
        guard CommandRun.find("nft") != nil else { return print("skipped: there is no nft here") }
        let bench = try await bench()
        var (web, kept) = (bench.service("web", "a"), bench.service("kept", "a", "c"))
        web.loadBalancerIPs = [bench.externalAddress(1)]
        web.loadBalancerSourceRanges = SourceRanges(spec: ["192.0.2.0/24"], annotation: nil)
        web.externalTrafficPolicy = .local
        kept.affinitySeconds = 60
        await bench.enforce(web, kept)
        // Some rules it may not be able to show, but it is not to die of any.
        let nft = try #require(CommandRun.find("nft"))
        let ending = try bench.node.namespace.run { try CommandRun(nft, ["list", "ruleset"]).run() }
        #expect(ending.status < 128, "\(ending)")
        await bench.close()
    }

    @Test func `one process at a time looks after the table`() throws {
        try Namespace().run {
            let first = try KernelTableClaim()
            #expect(throws: SystemError.self) { try KernelTableClaim() }
            withExtendedLifetime(first) {}
        }
        // Another network is another matter, and a claim ends with its owner.
        try Namespace().run { _ = try KernelTableClaim() }
    }

    @Test func `a running kube-proxy is noticed`() async throws {
        let bench = try await bench()
        let enforcer = try #require(bench.enforcer as? NFTablesEnforcer)
        #expect(await enforcer.rivals().isEmpty)
        try bench.node.namespace.run {
            try KernelRuleset().commit(NFTransaction(NFTable(.ipv4, "kube-proxy"), [.addTable]), expecting: nil)
        }
        #expect(await enforcer.rivals().count == 1)
        if CommandRun.find("iptables-restore") != nil {
            try bench.node.namespace.command(
                ["iptables-restore", "--noflush"], input: "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n")
            #expect(await enforcer.rivals().count == 2)
        }
        await bench.close()
    }

    @Test func `nothing is left after a clean-up`() async throws {
        let bench = try await bench()
        await bench.enforce(bench.service("web", "a"))
        await bench.close()
        try bench.node.namespace.run {
            let (isFirst, left, isSecond) = (
                try NFTablesEnforcer.cleanUp(), try KernelRuleset().tables(), try NFTablesEnforcer.cleanUp()
            )
            #expect(isFirst && left.isEmpty && !isSecond)
        }
    }
}
