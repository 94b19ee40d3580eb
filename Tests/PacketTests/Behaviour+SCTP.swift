import DataPlane
import NetworkTypes
import Testing
import TrafficModel

extension Behaviour {
    static let sctp: [Behaviour] = [
        Behaviour("associations of SCTP reach endpoints on every address, beside TCP on the same port", [.sctp]) {
            (bench) async throws -> Void in
            var signal = bench.service("signal", ports: [(80, 8080, .tcp), (80, 8081, .sctp)], "a", "c")
            signal.externalIPs = [bench.externalAddress(20)]
            signal.ports[1].nodePort = 30080
            #expect(await bench.enforce(signal).problems == [signal.key: []])
            for place in bench.everywhere {
                for (address, port) in [
                    (signal.clusterIPs[0], UInt16(80)), (signal.externalIPs[0], 80),
                    (bench.node.address(bench.family), 30080),
                ] {
                    let outcome = try bench.ask(from: place, address, port, .sctp)
                    #expect(outcome.port == 8081, "\(outcome) at \(address) from \(place.name)")
                }
                #expect(try bench.ask(from: place, signal.clusterIPs[0], 80, .tcp).port == 8080)
            }
            let servers = try bench.spread(from: bench.caller, signal.clusterIPs[0], 80, .sctp, count: 20)
            #expect(Set(servers.keys) == ["a", "c"])
        },
        Behaviour("an association of SCTP goes on while other endpoints come and go", [.sctp, .established]) {
            (bench) async throws -> Void in
            var signal = bench.service("signal", ports: [(80, 8080, .sctp)], "a", "c")
            await bench.enforce(signal)
            let (asker, first) = try bench.begin(from: bench.caller, signal.clusterIPs[0], 80, .sctp)
            let own = first.server ?? "nobody"
            #expect(["a", "c"].contains(own) && asker.echoes())
            signal.ports[0].endpoints.removeAll { $0.address.ip != bench.topology.pod(own).address(bench.family) }
            signal.ports[0].endpoints.append(bench.endpoint("b"))
            await bench.enforce(signal)
            #expect(asker.echoes())
            let servers = try bench.spread(from: bench.caller, signal.clusterIPs[0], 80, .sctp, count: 20)
            #expect(Set(servers.keys) == [own, "b"])
        },
    ]
}
