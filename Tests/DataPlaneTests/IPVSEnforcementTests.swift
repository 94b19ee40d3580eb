import Conntrack
import IPVS
import KubeModel
import Logging
import NFTables
import Netlink
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("The mode ipvs brings virtual servers, the device and the table to where they should be")
struct IPVSEnforcementTests {
    /// A machine without a kernel.
    private final class Machine {
        let ruleset = SimulatedRuleset()
        let servers = SimulatedVirtualServers()
        let device = SimulatedAddressDevice()
        let loopback = SimulatedLoopbackRouting()
        private(set) var losses: [Int] = []

        func enforcement() -> IPVSEnforcement {
            IPVSEnforcement(
                rules: NFTablesEnforcement(
                    ruleset: ruleset, loopback: loopback, policy: MasqueradePolicy(), chooser: .virtualServers,
                    flows: nil, logger: Logger(label: "test"), onLoss: {}),
                ruleset: ruleset, servers: servers, device: device, scheduler: .roundRobin,
                logger: Logger(label: "test"), onLoss: {})
        }

        /// The addresses that neighbours are not told of.
        var quiet: Set<NFElement> {
            Set(ruleset.listing(of: NeighbourGuard.table, leavingOut: [])?.elements["addresses"] ?? [])
        }

        var chain: [String] {
            ruleset.listing(of: TableLayout.table, leavingOut: [])?.chains.keys.sorted() ?? []
        }
    }

    static let node = NodeIdentity(name: "n", nodePortAddresses: [IPAddress("192.0.2.1")!], ownAddresses: [])
    static let key = VirtualServer.Key(transport: 6, address: SocketAddress("10.96.0.1:80")!)

    private func service(_ name: String = "web", _ ip: String = "10.96.0.1", _ endpoints: String...) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "shop", name: name), clusterIPs: [IPAddress(ip)!],
            ports: [
                ServicePortEntry(
                    port: 80,
                    endpoints: endpoints.map {
                        ServiceEndpoint(address: SocketAddress(ip: IPAddress($0)!, port: 8080), nodeName: "other")
                    })
            ])
    }

    private func batch(
        _ extent: EnforcementBatch.Extent = .changes, _ changes: (ServiceEntry?, ServiceEntry?)...
    ) -> EnforcementBatch {
        EnforcementBatch(
            changes.compactMap { before, after in
                (after ?? before).map { ServiceChange(key: $0.key, before: before, after: after) }
            }, extent: extent, on: Self.node)
    }

    @Test func `a Service comes, changes and goes`() throws {
        let machine = Machine()
        var enforcement = machine.enforcement()
        let first = service("web", "10.96.0.1", "10.1.0.1")
        let report = enforcement.enforce(batch(.everything, (nil, first)))
        #expect(report.problems == [first.key: []] && report.servedCount == 1 && report.failure == nil)
        #expect(machine.servers.list().map(\.key) == [Self.key])
        #expect(machine.device.addresses() == [IPAddress("10.96.0.1")!])
        #expect(machine.quiet == [NFElement(TableLayout.key(IPAddress("10.96.0.1")!))])
        #expect(machine.chain.contains("ipvs"))

        machine.servers.forgetPerformed()
        let second = service("web", "10.96.0.1", "10.1.0.1", "10.1.0.2")
        _ = enforcement.enforce(batch(.changes, (first, second)))
        #expect(machine.servers.performed == [.addReal(RealServer(SocketAddress("10.1.0.2:8080")!), Self.key)])

        machine.servers.setConnections(1, of: SocketAddress("10.1.0.1:8080")!, at: Self.key)
        _ = enforcement.enforce(batch(.changes, (second, nil)))
        #expect(!machine.chain.contains("ipvs"), "nobody new is led there")
        try enforcement.drain()
        #expect(machine.servers.realServers(of: Self.key).map(\.server.weight) == [0], "one connection goes on")
        #expect(machine.device.addresses() == [IPAddress("10.96.0.1")!])
        machine.servers.setConnections(0, of: SocketAddress("10.1.0.1:8080")!, at: Self.key)
        try enforcement.drain()
        #expect(machine.servers.list() == [] && machine.device.addresses() == [] && machine.quiet == [])
    }

    @Test func `virtual servers of others are left alone, and who wants their address is told`() {
        let machine = Machine()
        let real = RealServer(SocketAddress("10.9.9.9:9")!, weight: 5)
        let theirs = VirtualServer(key: Self.key, scheduler: .leastConnections)
        let other = VirtualServer(
            key: .init(transport: 17, address: SocketAddress("192.0.2.7:53")!), scheduler: .roundRobin)
        _ = machine.servers.perform([.addServer(theirs), .addReal(real, Self.key), .addServer(other)])
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1")
        let api = service("api", "10.96.0.2", "10.1.0.2")
        let report = enforcement.enforce(batch(.everything, (nil, web), (nil, api)))
        #expect(report.problems[web.key]?.map(\.reason) == [.addressInUse])
        #expect(report.problems[web.key]?.first?.message.contains("another program") == true)
        #expect(report.problems[api.key] == [] && report.servedCount == 1)
        #expect(machine.servers.realServers(of: Self.key) == [.init(real)])
        _ = enforcement.enforce(batch(.changes, (web, nil), (api, nil)))
        _ = enforcement.enforce(batch(.everything))
        #expect(Set(machine.servers.list()).isSuperset(of: [theirs, other]))
        #expect(machine.servers.realServers(of: Self.key) == [.init(real)])
    }

    @Test func `an address that another program gave up is served when it is asked for again`() {
        let machine = Machine()
        _ = machine.servers.perform([.addServer(VirtualServer(key: Self.key, scheduler: .roundRobin))])
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1")
        #expect(enforcement.enforce(batch(.everything, (nil, web))).problems[web.key]?.count == 1)
        _ = machine.servers.perform([.removeServer(Self.key)])
        #expect(enforcement.enforce(batch(.changes, (web, web))).problems == [web.key: []])
        #expect(machine.servers.realServers(of: Self.key).count == 1)
    }

    @Test func `what somebody changed is healed by everything anew`() throws {
        let machine = Machine()
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1", "10.1.0.2")
        _ = enforcement.enforce(batch(.everything, (nil, web)))
        let server = try #require(machine.servers.list().first)
        let reals = machine.servers.realServers(of: Self.key)
        machine.device.remove()
        try machine.ruleset.commit(NFTransaction(NeighbourGuard.table, [.deleteTable]), expecting: nil)
        _ = machine.servers.perform([
            .removeReal(SocketAddress("10.1.0.1:8080")!, Self.key),
            .changeReal(RealServer(SocketAddress("10.1.0.2:8080")!, weight: 9), Self.key),
            .addReal(RealServer(SocketAddress("10.9.9.9:9")!), Self.key),
        ])
        #expect(enforcement.enforce(batch(.everything, (web, web))).problems == [web.key: []])
        try enforcement.drain()
        #expect(machine.servers.list() == [server] && machine.servers.realServers(of: Self.key) == reals)
        #expect(machine.device.addresses() == [IPAddress("10.96.0.1")!] && machine.quiet.count == 1)
    }

    @Test func `a change that shows that something was removed heals all of it`() throws {
        let machine = Machine()
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1")
        let api = service("api", "10.96.0.2", "10.1.0.3")
        _ = enforcement.enforce(batch(.everything, (nil, web), (nil, api)))
        _ = machine.servers.perform(machine.servers.list().map { .removeServer($0.key) })
        let more = service("web", "10.96.0.1", "10.1.0.1", "10.1.0.2")
        let report = enforcement.enforce(batch(.changes, (web, more)))
        #expect(report.problems == [web.key: []] && report.servedCount == 2)
        #expect(machine.servers.list().count == 2 && machine.servers.realServers(of: Self.key).count == 2)
    }

    @Test func `a scheduler that the kernel lacks is the Service's problem only`() {
        let machine = Machine()
        machine.servers.schedulers = [.roundRobin]
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1")
        var api = service("api", "10.96.0.2", "10.1.0.2")
        api.balancing = .leastConnections
        let report = enforcement.enforce(batch(.everything, (nil, web), (nil, api)))
        #expect(report.problems[web.key] == [] && report.failure == nil)
        #expect(report.problems[api.key]?.first?.message.contains("scheduler lc") == true)
    }

    @Test func `an address that the device cannot have is told of`() {
        let machine = Machine()
        machine.device.refused = [IPAddress("10.96.0.1")!]
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1")
        let report = enforcement.enforce(batch(.everything, (nil, web)))
        #expect(report.problems[web.key]?.first?.message.contains("kube-ipvs0") == true)
    }

    @Test func `the dump tells of virtual servers in words, and where they differ`() throws {
        let machine = Machine()
        var enforcement = machine.enforcement()
        let web = service("web", "10.96.0.1", "10.1.0.1", "10.1.0.2")
        var api = service("api", "10.96.0.2", "10.1.0.3")
        api.affinitySeconds = 60
        _ = enforcement.enforce(batch(.everything, (nil, web), (nil, api)))
        func dump() throws -> EnforcementDump {
            EnforcementDump(
                [web, api], on: Self.node, nodePorts: nil,
                machine.ruleset.listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets),
                servers: try IPVSEnforcement.standing(machine.servers))
        }
        #expect(
            try dump().text() == [
                "shop/api",
                "  10.96.0.2:80/TCP: cluster IP, to one of 1 by IPVS (rr), kept for a client until it was idle for 60 s: "
                    + "10.1.0.3:8080",
                "shop/web",
                "  10.96.0.1:80/TCP: cluster IP, to one of 2 by IPVS (rr): 10.1.0.1:8080, 10.1.0.2:8080",
            ])
        #expect(try dump().isSound())
        _ = machine.servers.perform([.removeReal(SocketAddress("10.1.0.1:8080")!, Self.key)])
        #expect(try !dump().isSound(of: web.key) && dump().isSound(of: api.key))
        _ = machine.servers.perform([.removeServer(Self.key)])
        #expect(try dump().text(of: web.key).contains { $0.contains("a virtual server of IPVS that is not there") })
    }
}
