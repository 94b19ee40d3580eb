import DataPlane
import NetworkTypes
import Testing
import TrafficModel

extension Behaviour {
    static let addresses: [Behaviour] = [
        Behaviour("a cluster IP answers Pods, the node and clients outside") { (bench) async throws -> Void in
            let web = bench.service("web", "a", "c")
            let report = await bench.enforce(web)
            #expect(report.problems == [web.key: []])
            #expect(report.servedCount == 1)
            for place in bench.everywhere {
                let servers = try bench.spread(from: place, web.clusterIPs[0], count: 40)
                #expect(Set(servers.keys) == ["a", "c"], "from \(place.name)")
            }
        },
        Behaviour("several ports lead to their own endpoints") { (bench) async throws -> Void in
            let web = bench.service("web", ports: [(80, 8080, .tcp), (443, 8081, .tcp)], "c")
            await bench.enforce(web)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, web.clusterIPs[0], 80).port == 8080)
                #expect(try bench.ask(from: place, web.clusterIPs[0], 443).port == 8081)
            }
        },
        Behaviour("one port serves several protocols") { (bench) async throws -> Void in
            let dns = bench.service("dns", ports: [(53, 8080, .tcp), (53, 8081, .udp)], "b")
            await bench.enforce(dns)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, dns.clusterIPs[0], 53, .tcp).port == 8080)
                #expect(try bench.ask(from: place, dns.clusterIPs[0], 53, .udp).port == 8081)
            }
        },
        Behaviour("a Pod's address is seen by the Pods that it asks by cluster IP") { (bench) async throws -> Void in
            let web = bench.service("web", "a", "c")
            await bench.enforce(web)
            for _ in 0..<8 {
                let outcome = try bench.ask(from: bench.caller, web.clusterIPs[0])
                #expect(outcome.seen == bench.caller.address(bench.family), "\(outcome)")
            }
        },
        Behaviour("an external IP answers everybody") { (bench) async throws -> Void in
            var web = bench.service("web", "a", "c")
            web.externalIPs = [bench.externalAddress(5)]
            await bench.enforce(web)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, bench.externalAddress(5)).server != nil, "from \(place.name)")
            }
        },
        Behaviour("a load-balancer IP answers everybody") { (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "a", "c")
            web.loadBalancerIPs = [bench.externalAddress(6)]
            await bench.enforce(web)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, bench.externalAddress(6)).server != nil, "from \(place.name)")
                #expect(try bench.ask(from: place, bench.externalAddress(6), 53, .udp).server != nil)
            }
        },
        Behaviour("a node port answers on the node's address and on no other") { (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8081, .udp)], "a", "c")
            web.ports[0].nodePort = 30080
            web.ports[1].nodePort = 30053
            await bench.enforce(web)
            let address = bench.node.address(bench.family)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, address, 30080).server != nil, "from \(place.name)")
                #expect(try bench.ask(from: place, address, 30053, .udp).server != nil, "from \(place.name)")
                for quiet in Topology.quietAddresses where quiet.family == bench.family {
                    #expect(try bench.ask(from: place, quiet, 30080) == .refused, "from \(place.name)")
                    #expect(try bench.ask(from: place, quiet, 30053, .udp) == .refused, "from \(place.name)")
                }
            }
        },
        Behaviour("a node port on the loopback address of IPv6 is refused, not silent") {
            (bench) async throws -> Void in
            guard bench.family == .v6 else { return }
            try bench.node.namespace.configure("link set lo up")
            var web = bench.service("web", "c")
            web.ports[0].nodePort = 30080
            var identity = bench.topology.identity
            identity.nodePortAddresses.append(.loopbackV6)
            let batch = EnforcementBatch(
                [ServiceChange(key: web.key, before: nil, after: web)], extent: .everything, on: identity)
            #expect(await bench.enforcer.enforce(batch).problems == [web.key: []])
            #expect(try bench.ask(from: bench.node, .loopbackV6, 30080) == .refused)
            #expect(try bench.ask(from: bench.node, bench.node.v6, 30080).server == "c")
        },
        Behaviour("a Pod reaches itself through its Service", [.established]) { (bench) async throws -> Void in
            let web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "a")
            await bench.enforce(web)
            let pod = bench.topology.pod("a")
            for (port, transport) in [(80, TransportProtocol.tcp), (53, .udp)] {
                let outcome = try bench.ask(from: pod, web.clusterIPs[0], UInt16(port), transport)
                #expect(outcome.server == "a", "\(outcome)")
                #expect(outcome.seen != pod.address(bench.family))
            }
        },
    ]
}
