import BPF
import DataPlane
import Foundation
import Logging
import NFTables
import NetworkTypes
import Testing
import TrafficModel

/// What the socket mode does besides the behaviours of all modes.
@Suite(
    "Sockets of this node are led to endpoints at connect", .serialized,
    .enabled { Mode.available.contains { $0.name == "socket" } })
struct SocketModeTests {
    /// Without networks of Pods nobody is masqueraded: then sockets of other namespaces are led too.
    private func bench(_ policy: MasqueradePolicy = PacketBench.policy, _ family: IPFamily = .v4) async throws
        -> PacketBench
    {
        var mode = Mode.socket
        mode.make = { _ in try Mode.socket.make(policy) }
        return try await PacketBench(mode, family)
    }

    /// Connections that the node's kernel tracks.
    private func tracked(_ bench: PacketBench) throws -> Int {
        try bench.node.namespace.run {
            let text = try String(contentsOfFile: "/proc/sys/net/netfilter/nf_conntrack_count", encoding: .utf8)
            return try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
        }
    }

    @Test(arguments: IPFamily.allCases, [TransportProtocol.tcp, .udp])
    func `a socket is connected to an endpoint, believes that it is the Service, and is not tracked`(
        family: IPFamily, transport: TransportProtocol
    ) async throws {
        let bench = try await bench(PacketBench.policy, family)
        let web = bench.service("web", ports: [(80, 8080, transport)], "a", "c")
        await bench.enforce(web)
        let address = SocketAddress(ip: web.clusterIPs[0], port: 80)
        let before = try tracked(bench)
        let (asker, first) = try bench.begin(from: bench.node, address.ip, 80, transport)
        #expect(first.server != nil)
        #expect(asker.peer == address)
        if transport == .tcp { #expect(asker.echoes()) }
        #expect(try tracked(bench) == before)
        // From outside it is tracked, and translated.
        let (outside, second) = try bench.begin(from: bench.client, address.ip, 80, transport)
        #expect(second.server != nil && outside.peer == address)
        #expect(try tracked(bench) > before)
        await bench.close()
    }

    @Test func `where a firewall judges connections they are tracked, and led all the same`() async throws {
        let bench = try await bench()
        let web = bench.service("web", "c")
        await bench.enforce(web)
        let table = NFTable(.inet, "firewall")
        let established: [NFExpression] = [
            .conntrack(.state, into: NFRegister(0)),
            .mask(NFRegister(0), with: NFValue().appending(host: 6), into: NFRegister(0)),
            .unequal(NFRegister(0), NFValue().appending(host: 0)), .verdict(.accept),
        ]
        let (open, _) = try bench.begin(from: bench.node, web.clusterIPs[0])
        try bench.node.namespace.run {
            try KernelRuleset().commit(
                NFTransaction(
                    table,
                    [
                        .addTable,
                        .addChain(NFChain("input", hook: .init(.filter, .input, priority: 0, policy: .drop))),
                        .addRule(NFRule(in: "input", comment: "established", established)),
                    ]), expecting: nil)
        }
        // Until that is noticed answers are dropped.
        let outcome = try bench.ask(from: bench.node, web.clusterIPs[0])
        #expect(outcome.server == "c")
        let before = try tracked(bench)
        let (asker, _) = try bench.begin(from: bench.node, web.clusterIPs[0])
        #expect(try tracked(bench) == before + 1)
        #expect(asker.peer == SocketAddress(ip: web.clusterIPs[0], port: 80))
        #expect(open.echoes(), "a connection from before goes on")
        await bench.close()
    }

    @Test(arguments: IPFamily.allCases)
    func `datagrams of a socket that is not connected are led, and answers come from the Service`(family: IPFamily)
        async throws
    {
        let bench = try await bench(PacketBench.policy, family)
        var dns = bench.service("dns", ports: [(53, 8080, .udp)], "a", "c")
        let other = bench.service("other", ports: [(53, 8081, .udp)], "c")
        await bench.enforce(dns, other)
        let (one, two) = (
            SocketAddress(ip: dns.clusterIPs[0], port: 53), SocketAddress(ip: other.clusterIPs[0], port: 53)
        )
        let socket = try bench.node.namespace.run { Correspondent(family) }
        let first = try #require(socket.ask(one))
        #expect(first.from == one && ["a", "c"].contains(first.server))
        for _ in 0..<10 { #expect(socket.ask(one)?.server == first.server) }
        let second = try #require(socket.ask(two))
        #expect(second.from == two && second.server == "c")
        dns.ports[0].endpoints = [bench.endpoint(first.server == "a" ? "c" : "a")]
        await bench.enforce(dns)
        #expect(socket.ask(one)?.server == (first.server == "a" ? "c" : "a"))
        #expect(socket.ask(one)?.from == one)
        await bench.close()
    }

    @Test func `a socket of IPv6 that speaks IPv4 is led too`() async throws {
        let bench = try await bench()
        let web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "c")
        await bench.enforce(web)
        let mapped = try #require(IPAddress("::ffff:\(web.clusterIPs[0])"))
        let before = try tracked(bench)
        for (port, transport) in [(UInt16(80), TransportProtocol.tcp), (53, .udp)] {
            let (asker, first) = try bench.begin(from: bench.node, mapped, port, transport)
            // Read back as an address of IPv4.
            #expect(first.server == "c" && asker.peer == SocketAddress(ip: web.clusterIPs[0], port: Port(port)))
        }
        #expect(try tracked(bench) == before)
        let socket = try bench.node.namespace.run { Correspondent(.v6) }
        let answer = socket.ask(SocketAddress(ip: mapped, port: 53))
        #expect(answer?.from == SocketAddress(ip: web.clusterIPs[0], port: 53))
        await bench.close()
    }

    @Test func `connections of this node spread evenly over the endpoints`() async throws {
        let bench = try await bench()
        let web = bench.service("web", "a", "b", "c", "d")
        await bench.enforce(web)
        let before = try tracked(bench)
        let servers = try bench.spread(from: bench.node, web.clusterIPs[0], count: 10_000)
        #expect(Set(servers.keys) == ["a", "b", "c", "d"])
        // Chi-square with 3 degrees of freedom: above 50 by chance once in 10^10 times.
        #expect(servers.values.map { ($0 - 2500) * ($0 - 2500) }.reduce(0, +) < 50 * 2500, "\(servers)")
        #expect(try tracked(bench) == before)
        await bench.close()
    }

    @Test func `sockets of other namespaces are led from cluster IPs where nobody is masqueraded`() async throws {
        let bench = try await bench(MasqueradePolicy())
        var web = bench.service("web", "a", "c")
        web.ports[0].nodePort = 30080
        await bench.enforce(web)
        let pod = bench.topology.pod("a")
        web.ports[0].endpoints = [bench.endpoint("a")]
        await bench.enforce(web)
        // It reaches itself, without a detour by the node.
        #expect(try bench.ask(from: pod, web.clusterIPs[0]).seen == pod.address(.v4))
        #expect(try bench.ask(from: bench.caller, web.clusterIPs[0]).seen == bench.caller.address(.v4))
        // Node ports are translated.
        #expect(try bench.ask(from: bench.caller, bench.node.v4, 30080).seen != bench.caller.address(.v4))
        // Where Pods are known others may have to be masqueraded.
        await bench.close()
        let careful = try await self.bench()
        let service = careful.service("web", "a")
        await careful.enforce(service)
        #expect(try careful.ask(from: careful.topology.pod("a"), service.clusterIPs[0]).seen != pod.address(.v4))
        await careful.close()
    }

    @Test func `whoever is bound to a loopback address goes by the rules`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "c")
        web.clusterIPs = [try #require(IPAddress("127.96.0.9"))]
        await bench.enforce(web)
        let address = SocketAddress(ip: web.clusterIPs[0], port: 80)
        let before = try tracked(bench)
        #expect(try bench.ask(from: bench.node, address.ip).server == "c")
        #expect(try tracked(bench) == before)
        let bound = try Asker(in: bench.node.namespace, to: address, .tcp)
        #expect(bound.bind(to: SocketAddress(ip: .loopbackV4, port: 0)))
        #expect(bound.begin(within: PacketBench.patience).server == "c")
        #expect(try tracked(bench) == before + 1)
        await bench.close()
    }

    @Test(arguments: IPFamily.allCases)
    func `a connected UDP socket whose endpoint is gone is ended, and all others stay`(family: IPFamily) async throws {
        let bench = try await bench(PacketBench.policy, family)
        var dns = bench.service("dns", ports: [(53, 8080, .udp)], "a")
        let other = bench.service("other", ports: [(53, 8080, .udp)], "a")
        await bench.enforce(dns, other)
        let (asker, first) = try bench.begin(from: bench.node, dns.clusterIPs[0], 53, .udp)
        let (beside, second) = try bench.begin(from: bench.node, other.clusterIPs[0], 53, .udp)
        // To the endpoint itself, which nobody led.
        let (direct, third) = try bench.begin(from: bench.node, bench.topology.pod("a").address(family), 8080, .udp)
        #expect([first, second, third].map(\.server) == ["a", "a", "a"])
        // It drains: whoever is connected stays.
        dns.ports[0].endpoints[0].isReady = false
        dns.ports[0].endpoints[0].isTerminating = true
        dns.ports[0].endpoints.append(bench.endpoint("c"))
        await bench.enforce(dns)
        #expect(asker.ask(within: PacketBench.patience).server == "a")
        dns.ports[0].endpoints = [bench.endpoint("c")]
        await bench.enforce(dns)
        // The error that its next read would have had goes by in here: it has nowhere to send.
        #expect(asker.ask(within: PacketBench.patience) == .failed(EDESTADDRREQ))
        #expect(asker.begin(within: PacketBench.patience).server == "c")
        for stays in [beside, direct] { #expect(stays.ask(within: PacketBench.patience).server == "a") }
        await bench.remove(other)
        #expect(beside.ask(within: PacketBench.patience) == .failed(EDESTADDRREQ))
        #expect(asker.ask(within: PacketBench.patience).server == "c")
        await bench.close()
    }

    @Test func `a connected UDP socket of IPv6 that speaks IPv4 is ended too, also by the next process`() async throws {
        let bench = try await bench()
        let dns = bench.service("dns", ports: [(53, 8080, .udp)], "a")
        await bench.enforce(dns)
        let mapped = try #require(IPAddress("::ffff:\(dns.clusterIPs[0])"))
        let (asker, first) = try bench.begin(from: bench.node, mapped, 53, .udp)
        #expect(first.server == "a")
        await bench.enforcer.shutDown(grace: .zero)
        let next = try bench.node.namespace.run { try bench.mode.make(PacketBench.policy) }
        _ = await next.enforce(EnforcementBatch([], extent: .everything, on: bench.topology.identity))
        #expect(asker.ask(within: PacketBench.patience) == .failed(EDESTADDRREQ))
        await next.shutDown(grace: .zero)
        await bench.close()
    }

    @Test func `connected UDP of other namespaces goes by the rules, which move it`() async throws {
        let bench = try await bench(MasqueradePolicy())
        var dns = bench.service("dns", ports: [(53, 8080, .udp)], "c")
        await bench.enforce(dns)
        let before = try tracked(bench)
        let (asker, first) = try bench.begin(from: bench.caller, dns.clusterIPs[0], 53, .udp)
        #expect(first.server == "c")
        #expect(try tracked(bench) > before)
        dns.ports[0].endpoints = [bench.endpoint("d")]
        await bench.enforce(dns)
        #expect(asker.ask(within: PacketBench.patience).server == "d")
        await bench.close()
    }

    @Test(arguments: IPFamily.allCases)
    func `datagrams to several Services with one endpoint, sent in a row, are answered by the Service of each`(
        family: IPFamily
    ) async throws {
        let bench = try await bench(PacketBench.policy, family)
        let services = ["one", "two", "three"].map { bench.service($0, ports: [(53, 8080, .udp)], "c") }
        await bench.enforce(services[0], services[1], services[2])
        let addresses = services.map { SocketAddress(ip: $0.clusterIPs[0], port: 53) }
        let socket = try bench.node.namespace.run { Correspondent(family) }
        for _ in 0..<3 {
            for address in addresses { #expect(socket.say(to: address)) }
            var heard: [SocketAddress] = []
            for _ in addresses { if let answer = socket.hear() { heard.append(answer.from) } }
            #expect(heard.sorted() == addresses.sorted())
        }
        await bench.close()
    }

    @Test func `new connections go on while no data plane is there, and the next one takes over`() async throws {
        let bench = try await bench()
        var web = bench.service("web", "a")
        await bench.enforce(web)
        let (open, _) = try bench.begin(from: bench.node, web.clusterIPs[0])
        await bench.enforcer.shutDown(grace: .zero)
        let before = try tracked(bench)
        #expect(try bench.ask(from: bench.node, web.clusterIPs[0]).server == "a")
        #expect(try tracked(bench) == before)
        let next = try bench.node.namespace.run { try bench.mode.make(PacketBench.policy) }
        web.ports[0].endpoints = [bench.endpoint("c")]
        let batch = EnforcementBatch(
            [.init(key: web.key, before: nil, after: web)], extent: .everything, on: bench.topology.identity)
        #expect(await next.enforce(batch).problems == [web.key: []])
        #expect(try bench.ask(from: bench.node, web.clusterIPs[0]).server == "c")
        #expect(open.echoes() && open.peer?.ip == web.clusterIPs[0])
        await next.shutDown(grace: .zero)
        // Nothing of it is left after a clean-up: the rules translate.
        try bench.node.namespace.run {
            let folder = try SocketStage.shared.get().place().folder
            let (isFirst, isSecond) = (try SocketEnforcer.cleanUp(folder), try SocketEnforcer.cleanUp(folder))
            #expect(isFirst.hadNames && isFirst.detached == 0 && isFirst.blindness == nil && isSecond.isEmpty)
            let tables = try KernelRuleset().tables()
            #expect(tables == [NFTable(.inet, "martlet")])
        }
        // Anew: what was tracked long ago may have been forgotten meanwhile.
        let untranslated = try tracked(bench)
        let (asker, outcome) = try bench.begin(from: bench.node, web.clusterIPs[0])
        #expect(outcome.server == "c")
        #expect(try tracked(bench) == untranslated + 1)
        withExtendedLifetime(asker) {}
        await bench.close()
    }

    @Test func `programs whose names nobody sees from here are found and detached, and nobody else's`() async throws {
        let (bench, other) = (try await self.bench(), try await self.bench())
        let (web, shop) = (bench.service("web", "c"), other.service("shop", "c"))
        await bench.enforce(web)
        await other.enforce(shop)
        await bench.enforcer.shutDown(grace: .zero)
        try bench.node.namespace.run {
            let found = try SocketEnforcer.cleanUp(nil)
            #expect(!found.hadNames && found.hadTable && found.blindness == nil)
            #expect(found.detached == BPFHook.allCases.count)
        }
        let before = try tracked(bench)
        let (asker, outcome) = try bench.begin(from: bench.node, web.clusterIPs[0])
        #expect(outcome.server == "c")
        #expect(try tracked(bench) == before + 1, "by the rules")
        let others = try tracked(other)
        #expect(try other.ask(from: other.node, shop.clusterIPs[0]).server == "c")
        #expect(try tracked(other) == others, "led still")
        withExtendedLifetime(asker) {}
        await bench.close()
        await other.close()
    }

    @Test func `the kernel's words on a program that it rejects name the instruction`() throws {
        var program = BPFProgram("wrong", .connect4)
        program.remark("the address")
        program.load(.word, .r2, from: .r7, 4)
        program.finish(1)
        do throws(BPFError) {
            _ = try KernelBPF().load(program, maps: [:])
            Issue.record("it was taken")
        } catch {
            for words in ["load word r2, [r7 + 4]", "wrong, the address", "R7 !read_ok"] {
                #expect("\(error)".contains(words), "\(error)")
            }
        }
    }

    @Test func `why a machine cannot have it is told`() throws {
        #expect(throws: SocketPlace.Obstacle.self) { try SocketPlace.find(group: "/tmp") }
    }
}
