import DataPlane
import NetworkTypes
import Testing
import TrafficModel

extension Behaviour {
    private static let datagrams: [(UInt16, UInt16, TransportProtocol)] = [(53, 8080, .udp)]

    /// UDP has no connections: what the kernel remembers of a flow outlives its endpoint.
    static let flows: [Behaviour] = [
        Behaviour("a UDP flow moves when its endpoint is gone, others stay", [.established]) {
            (bench) async throws -> Void in
            var dns = bench.service("dns", ports: datagrams, "a", "c")
            let other = bench.service("other", ports: datagrams, "a", "b", "c", "d")
            dns.ports[0].nodePort = 30053
            await bench.enforce(dns, other)
            var moving: [(Asker, String?)] = []
            for (place, address, port) in [
                (bench.caller, dns.clusterIPs[0], UInt16(53)), (bench.client, bench.node.address(bench.family), 30053),
                (bench.node, dns.clusterIPs[0], 53),
            ] {
                for _ in 0..<6 {
                    let (asker, first) = try bench.begin(from: place, address, port, .udp)
                    #expect(first.server != nil, "from \(place.name): \(first)")
                    moving.append((asker, first.server))
                }
            }
            let staying = try (0..<12).map { _ in
                let (asker, first) = try bench.begin(from: bench.caller, other.clusterIPs[0], 53, .udp)
                return (asker, first.server)
            }
            for (asker, server) in moving + staying {
                #expect(asker.ask(within: PacketBench.patience).server == server)
            }
            dns.ports[0].endpoints = [bench.endpoint("c")]
            await bench.enforce(dns)
            for (asker, _) in moving { #expect(asker.ask(within: PacketBench.patience).server == "c") }
            // Chosen anew, all twelve would be as they were once in 10^7 times.
            for (asker, server) in staying { #expect(asker.ask(within: PacketBench.patience).server == server) }
        },
        Behaviour("a UDP flow that led nowhere leads to the first endpoint that comes", [.established]) {
            (bench) async throws -> Void in
            var dns = bench.service("dns", ports: datagrams)
            dns.externalIPs = [bench.externalAddress(20)]
            await bench.enforce(dns)
            let askers = try [
                (bench.caller, dns.clusterIPs[0]), (bench.node, dns.clusterIPs[0]), (bench.client, dns.clusterIPs[0]),
                (bench.client, dns.externalIPs[0]),
            ].map { place, address in
                let (asker, first) = try bench.begin(from: place, address, 53, .udp)
                #expect(first == .refused, "from \(place.name)")
                return asker
            }
            dns.ports[0].endpoints = [bench.endpoint("c")]
            await bench.enforce(dns)
            for asker in askers { #expect(asker.ask(within: PacketBench.patience).server == "c") }
        },
        Behaviour("a UDP flow begun before its Service leads there once it is known", [.established]) {
            (bench) async throws -> Void in
            let dns = bench.service("dns", ports: datagrams, "c")
            let asker = try Asker(
                in: bench.caller.namespace, to: SocketAddress(ip: dns.clusterIPs[0], port: 53), .udp)
            #expect(asker.begin(within: PacketBench.silence).server == nil)
            await bench.enforce(dns)
            #expect(asker.ask(within: PacketBench.patience).server == "c")
        },
        Behaviour("a UDP flow to an address that changed hands goes to its new Service", [.established]) {
            (bench) async throws -> Void in
            var (first, second) = (
                bench.service("first", ports: datagrams, "a"), bench.service("second", ports: datagrams, "c")
            )
            first.ports[0].nodePort = 30053
            second.clusterIPs = first.clusterIPs
            second.ports[0].nodePort = 30053
            await bench.enforce(first)
            let (inside, one) = try bench.begin(from: bench.caller, first.clusterIPs[0], 53, .udp)
            let (outside, two) = try bench.begin(from: bench.client, bench.node.address(bench.family), 30053, .udp)
            #expect(one.server == "a" && two.server == "a")
            await bench.remove(first)
            await bench.enforce(second)
            #expect(inside.ask(within: PacketBench.patience).server == "c")
            #expect(outside.ask(within: PacketBench.patience).server == "c")
        },
    ]
}
