import DataPlane
import NetworkTypes
import Testing
import TrafficModel

extension Behaviour {
    static let policies: [Behaviour] = [
        Behaviour("the client's address is kept under Local and hidden under Cluster", [.established]) {
            (bench) async throws -> Void in
            var web = bench.service("web", "a")
            web.ports[0].nodePort = 30080
            web.loadBalancerIPs = [bench.externalAddress(7)]
            web.externalTrafficPolicy = .local
            await bench.enforce(web)
            let (client, node) = (bench.client.address(bench.family), bench.node.address(bench.family))
            #expect(try bench.ask(from: bench.client, node, 30080).seen == client)
            #expect(try bench.ask(from: bench.client, bench.externalAddress(7)).seen == client)
            web.externalTrafficPolicy = .cluster
            await bench.enforce(web)
            for address in [node, bench.externalAddress(7)] {
                let outcome = try bench.ask(from: bench.client, address, address == node ? 30080 : 80)
                #expect(outcome.server == "a" && outcome.seen != client, "\(outcome)")
            }
        },
        Behaviour("hints of trafficDistribution lead to near endpoints, and are nothing where some have none") {
            (bench) async throws -> Void in
            var web = bench.service("web", "a", "c", "d")
            func hint(_ names: [String: String]) {
                web.ports[0].endpoints = ["a", "c", "d"].map { pod in
                    ServiceEndpoint(
                        address: bench.endpoint(pod).address, nodeName: bench.endpoint(pod).nodeName,
                        nodeHints: names[pod].map { [$0] } ?? [])
                }
            }
            func heard() throws -> Set<String> {
                Set(try bench.spread(from: bench.caller, web.clusterIPs[0], count: 40).keys)
            }
            let (here, elsewhere) = (bench.node.name, bench.topology.otherNode.name)
            hint(["a": here, "c": elsewhere, "d": elsewhere])
            await bench.enforce(web)
            #expect(try heard() == ["a"])
            hint(["a": elsewhere, "c": here, "d": here])
            await bench.enforce(web)
            #expect(try heard() == ["c", "d"])
            // An endpoint without a hint: nobody knows who would serve it (KEP-2433).
            hint(["a": here])
            await bench.enforce(web)
            #expect(try heard() == ["a", "c", "d"])
        },
        Behaviour("traffic from outside stays on the node under Local") { (bench) async throws -> Void in
            var web = bench.service("web", "a", "c", "d")
            web.ports[0].nodePort = 30080
            web.externalIPs = [bench.externalAddress(8)]
            web.externalTrafficPolicy = .local
            await bench.enforce(web)
            let node = bench.node.address(bench.family)
            #expect(try bench.spread(from: bench.client, node, 30080, count: 20) == ["a": 20])
            #expect(try bench.spread(from: bench.client, bench.externalAddress(8), count: 20) == ["a": 20])
            // Cluster IPs are of the other policy.
            #expect(Set(try bench.spread(from: bench.client, web.clusterIPs[0], count: 60).keys) == ["a", "c", "d"])
        },
        Behaviour("a Local Service without endpoints here is silent to clients outside, and serves Pods") {
            (bench) async throws -> Void in
            var web = bench.service("web", "c")
            web.ports[0].nodePort = 30080
            web.loadBalancerIPs = [bench.externalAddress(9)]
            web.externalTrafficPolicy = .local
            await bench.enforce(web)
            let node = bench.node.address(bench.family)
            #expect(try bench.isSilent(from: [bench.client], (node, 30080), (bench.externalAddress(9), 80)))
            #expect(try bench.ask(from: bench.caller, bench.externalAddress(9)).server == "c")
            #expect(try bench.ask(from: bench.node, bench.externalAddress(9)).server == "c")
            #expect(try bench.ask(from: bench.caller, node, 30080).server == "c")
        },
        Behaviour("internalTrafficPolicy Local stays on the node, and is silent where it has none") {
            (bench) async throws -> Void in
            var web = bench.service("web", "b", "c", "d")
            web.internalTrafficPolicy = .local
            await bench.enforce(web)
            #expect(try bench.spread(from: bench.caller, web.clusterIPs[0], count: 20) == ["b": 20])
            #expect(try bench.spread(from: bench.node, web.clusterIPs[0], count: 20) == ["b": 20])
            web.ports[0].endpoints = [bench.endpoint("c")]
            await bench.enforce(web)
            #expect(try bench.isSilent(from: [bench.caller, bench.node], (web.clusterIPs[0], 80)))
        },
        Behaviour("terminating endpoints serve while there is no ready one") { (bench) async throws -> Void in
            var web = bench.service("web", "a", "c")
            web.ports[0].nodePort = 30080
            web.externalTrafficPolicy = .local
            web.ports[0].endpoints[0].isReady = false
            web.ports[0].endpoints[0].isTerminating = true
            await bench.enforce(web)
            #expect(try bench.spread(from: bench.caller, web.clusterIPs[0], count: 20) == ["c": 20])
            #expect(try bench.spread(from: bench.client, bench.node.address(bench.family), 30080, count: 5) == ["a": 5])
            web.ports[0].endpoints[1].isReady = false
            web.ports[0].endpoints[1].isServing = false
            await bench.enforce(web)
            #expect(try bench.spread(from: bench.caller, web.clusterIPs[0], count: 20) == ["a": 20])
        },
        Behaviour("source ranges guard load-balancer IPs, and nothing else") { (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "a", "c")
            web.loadBalancerIPs = [bench.externalAddress(10)]
            web.ports[0].nodePort = 30080
            let client = bench.client.address(bench.family)
            web.loadBalancerSourceRanges = SourceRanges(
                spec: [" \(client)/\(bench.family.bitWidth) "], annotation: nil)
            await bench.enforce(web)
            #expect(try bench.ask(from: bench.client, bench.externalAddress(10)).server != nil)
            #expect(try bench.ask(from: bench.client, bench.externalAddress(10), 53, .udp).server != nil)
            #expect(
                try bench.ask(from: bench.caller, bench.externalAddress(10), within: PacketBench.silence) == .silent)
            #expect(try bench.ask(from: bench.caller, web.clusterIPs[0]).server != nil)
            #expect(try bench.ask(from: bench.caller, bench.node.address(bench.family), 30080).server != nil)
        },
        Behaviour("source ranges that cannot be read admit nobody") { (bench) async throws -> Void in
            var web = bench.service("web", "a")
            web.loadBalancerIPs = [bench.externalAddress(11)]
            web.loadBalancerSourceRanges = SourceRanges(spec: ["everyone, please"], annotation: nil)
            await bench.enforce(web)
            #expect(try bench.isSilent(from: bench.everywhere, (bench.externalAddress(11), 80)))
        },
    ]

    static let choices: [Behaviour] = [
        Behaviour("connections spread evenly over the endpoints") { (bench) async throws -> Void in
            let web = bench.service("web", "a", "b", "c", "d")
            await bench.enforce(web)
            // An emulated machine takes a minute for ten thousand; in IPv6 the numbers come from the same source.
            let count = GuestMachine.isHere ? 1_000 : bench.family == .v4 ? 10_000 : 2_000
            let servers = try bench.spread(from: bench.caller, web.clusterIPs[0], count: count)
            #expect(Set(servers.keys) == ["a", "b", "c", "d"])
            let expected = Double(count) / 4
            let deviation = servers.values.map { (Double($0) - expected) * (Double($0) - expected) / expected }
            // Chi-square with 3 degrees of freedom: above 50 by chance once in 10^10 times.
            #expect(deviation.reduce(0, +) < 50, "\(servers)")
        },
        Behaviour("a client keeps its endpoint under session affinity, while others come and go", [.established]) {
            (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "a", "b", "c")
            web.affinitySeconds = 600
            web.externalIPs = [bench.externalAddress(12)]
            await bench.enforce(web)
            let own = try #require(try bench.ask(from: bench.caller, web.clusterIPs[0]).server)
            func keeps() throws -> Bool {
                let servers = try bench.spread(from: bench.caller, web.clusterIPs[0], count: 20)
                if servers != [own: 20] { print("not \(own): \(servers)") }
                return servers == [own: 20]
            }
            #expect(try keeps())
            web.ports[0].endpoints.append(bench.endpoint("d"))
            await bench.enforce(web)
            #expect(try keeps())
            web.ports[0].endpoints.removeAll { $0.address.ip != bench.topology.pod(own).address(bench.family) }
            web.ports[0].endpoints.append(bench.endpoint(own == "d" ? "a" : "d"))
            await bench.enforce(web)
            #expect(try keeps())
            await bench.enforceEverything()
            #expect(try keeps())
            let outside = try bench.ask(from: bench.client, bench.externalAddress(12)).server ?? ""
            #expect(try bench.spread(from: bench.client, bench.externalAddress(12), count: 10) == [outside: 10])
            // Its endpoint is gone: another one serves it.
            web.ports[0].endpoints = [bench.endpoint(own == "d" ? "a" : "d")]
            await bench.enforce(web)
            #expect(try bench.ask(from: bench.caller, web.clusterIPs[0]).server == (own == "d" ? "a" : "d"))
        },
        Behaviour("consistent hashing leads a client to one endpoint, and moves few when one goes") {
            (bench) async throws -> Void in
            var web = bench.service("web", "a", "b", "c", "d")
            web.balancing = .consistentHash
            web.ports[0].nodePort = 30080
            web.externalTrafficPolicy = .local
            await bench.enforce(web)
            let node = bench.node.address(bench.family)
            // Pods of node 2 would come back to themselves by way of node 1.
            let places = [bench.caller, bench.client, bench.node] + bench.topology.pods.prefix(2)
            var own: [String: String] = [:]
            for place in places {
                let server = try bench.ask(from: place, web.clusterIPs[0]).server ?? "nobody"
                own[place.name] = server
                if place.name != bench.node.name, server != "nobody" {
                    // As user space has it, and every other node; this node's own address is the kernel's choice.
                    let endpoints = web.ports[0].endpoints.map(\.address)
                    let wanted = HashSlots.endpoint(for: place.address(bench.family), of: endpoints)
                    #expect(wanted?.ip == bench.topology.pod(server).address(bench.family), "from \(place.name)")
                }
                #expect(try bench.spread(from: place, web.clusterIPs[0], count: 10) == [server: 10])
            }
            // By another address of the Service as well; clients outside have the endpoints here only.
            #expect(try bench.ask(from: bench.caller, node, 30080).server == own[bench.caller.name])
            let outside = try bench.ask(from: bench.client, node, 30080).server
            #expect(outside == "a" || outside == "b")
            let gone = own[bench.caller.name] ?? ""
            web.ports[0].endpoints.removeAll { $0.address.ip == bench.topology.pod(gone).address(bench.family) }
            await bench.enforce(web)
            for place in places where own[place.name] != gone {
                let server = try bench.ask(from: place, web.clusterIPs[0]).server
                #expect(server == own[place.name], "from \(place.name)")
            }
            #expect(try bench.ask(from: bench.caller, web.clusterIPs[0]).server != nil)
            // Back to chance.
            web.balancing = .random
            await bench.enforce(web)
            #expect(try bench.spread(from: bench.caller, web.clusterIPs[0], count: 60).count == 3)
        },
        Behaviour("session affinity ends with its timeout") { (bench) async throws -> Void in
            var web = bench.service("web", "a", "b", "c", "d")
            web.affinitySeconds = 1
            await bench.enforce(web)
            func choices() throws -> [String] {
                try bench.everywhere.map { try bench.ask(from: $0, web.clusterIPs[0]).server ?? "nobody" }
            }
            let first = try choices()
            #expect(!first.contains("nobody"))
            // By chance all of 30 choices of each of three clients are the same once in 10^54 times.
            var (next, attempts) = (first, 0)
            while next == first, attempts < 30 {
                try await Task.sleep(for: .milliseconds(1300))
                next = try choices()
                attempts += 1
            }
            #expect(next != first && !next.contains("nobody"), "\(first), \(next)")
        },
    ]

    static let refusals: [Behaviour] = [
        Behaviour("a Service without endpoints refuses at once, on every address") { (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)])
            web.externalIPs = [bench.externalAddress(13)]
            web.loadBalancerIPs = [bench.externalAddress(14)]
            web.ports[0].nodePort = 30080
            web.ports[1].nodePort = 30053
            await bench.enforce(web)
            for place in bench.everywhere {
                for address in web.clusterIPs + web.externalIPs + web.loadBalancerIPs {
                    for (port, transport) in [(UInt16(80), TransportProtocol.tcp), (53, .udp)] {
                        let outcome = try bench.ask(from: place, address, port, transport)
                        #expect(outcome == .refused, "\(address):\(port) from \(place.name)")
                    }
                }
                #expect(try bench.ask(from: place, bench.node.address(bench.family), 30080) == .refused)
                #expect(try bench.ask(from: place, bench.node.address(bench.family), 30053, .udp) == .refused)
            }
            // And serves as soon as it has one.
            web.ports[0].endpoints = [bench.endpoint("c")]
            await bench.enforce(web)
            for address in web.clusterIPs + web.externalIPs + web.loadBalancerIPs {
                #expect(try bench.ask(from: bench.client, address).server == "c", "\(address)")
            }
        },
        Behaviour("the unused ports of a cluster IP refuse") { (bench) async throws -> Void in
            let web = bench.service("web", "a")
            await bench.enforce(web)
            for place in bench.everywhere {
                #expect(try bench.ask(from: place, web.clusterIPs[0], 81) == .refused, "from \(place.name)")
                #expect(try bench.ask(from: place, web.clusterIPs[0], 80, .udp) == .refused, "from \(place.name)")
            }
        },
        Behaviour("a Service that is gone answers no more", [.established]) { (bench) async throws -> Void in
            var web = bench.service("web", "a")
            web.externalIPs = [bench.externalAddress(15)]
            web.ports[0].nodePort = 30080
            await bench.enforce(web)
            #expect(try bench.ask(from: bench.client, bench.externalAddress(15)).server == "a")
            let report = await bench.remove(web)
            #expect(report.servedCount == 0)
            for address in web.clusterIPs + web.externalIPs {
                #expect(try bench.ask(from: bench.client, address, within: PacketBench.silence).server == nil)
            }
            #expect(try bench.ask(from: bench.client, bench.node.address(bench.family), 30080) == .refused)
        },
        Behaviour("an address that two Services want serves the one that has it, then the other") {
            (bench) async throws -> Void in
            var (first, second) = (bench.service("b-first", "a"), bench.service("a-second", "c"))
            first.externalIPs = [bench.externalAddress(16)]
            second.externalIPs = first.externalIPs
            await bench.enforce(first)
            let report = await bench.enforce(second)
            #expect(report.problems[second.key]?.map(\.reason) == [.conflict(winner: first.key)])
            #expect(try bench.spread(from: bench.client, first.externalIPs[0], count: 10) == ["a": 10])
            await bench.remove(first)
            #expect(try bench.spread(from: bench.client, first.externalIPs[0], count: 10) == ["c": 10])
        },
    ]
}
