import DataPlane
import NetworkTypes
import System
import Testing
import TrafficModel

extension Behaviour {
    static let changes: [Behaviour] = [
        Behaviour("an endpoint that is gone gets no new connections", [.established]) { (bench) async throws -> Void in
            var web = bench.service("web", ports: [(80, 8080, .tcp), (53, 8080, .udp)], "a", "b", "c")
            await bench.enforce(web)
            for pod in ["b", "a"] {
                for index in web.ports.indices {
                    let address = bench.topology.pod(pod).address(bench.family)
                    web.ports[index].endpoints.removeAll { $0.address.ip == address }
                }
                await bench.enforce(web)
                for (port, transport) in [(80, TransportProtocol.tcp), (53, .udp)] {
                    let servers = try bench.spread(
                        from: bench.caller, web.clusterIPs[0], UInt16(port), transport, count: 40)
                    #expect(servers[pod] == nil && servers.values.reduce(0, +) == 40, "\(servers)")
                    #expect(Set(servers.keys) == (pod == "b" ? ["a", "c"] : ["c"]))
                }
            }
        },
        Behaviour(
            "established connections survive changes of other endpoints, of rules, and everything anew", [.established]
        ) {
            (bench) async throws -> Void in
            var web = bench.service("web", "a", "b", "c", "d")
            web.externalIPs = [bench.externalAddress(17)]
            await bench.enforce(web)
            var open: [Asker] = []
            var servers: [String] = []
            for (place, address) in [
                (bench.caller, web.clusterIPs[0]), (bench.client, bench.externalAddress(17)),
                (bench.node, web.clusterIPs[0]),
            ] {
                let (asker, first) = try bench.begin(from: place, address)
                open.append(asker)
                servers.append(first.server ?? "nobody")
            }
            #expect(!servers.contains("nobody"))
            func allEcho() -> Bool { open.allSatisfy { $0.echoes() } }
            #expect(allEcho())
            web.ports[0].endpoints.removeAll { endpoint in
                !servers.contains { bench.topology.pod($0).address(bench.family) == endpoint.address.ip }
            }
            await bench.enforce(web)
            #expect(allEcho())
            web.affinitySeconds = 30
            await bench.enforce(web, bench.service("other", "a"))
            #expect(allEcho())
            await bench.enforceEverything()
            #expect(allEcho())
            // Even what leads to an endpoint that drains goes on (KEP-1672).
            web.ports[0].endpoints = [
                bench.endpoint("a"), bench.endpoint("b"), bench.endpoint("c"), bench.endpoint("d"),
            ]
            for index in 0..<4 {
                web.ports[0].endpoints[index].isReady = false
                web.ports[0].endpoints[index].isTerminating = true
            }
            await bench.enforce(web)
            #expect(allEcho())
        },
        Behaviour("what somebody flushed is healed by everything anew, and connections survive it", [.established]) {
            (bench) async throws -> Void in
            let web = bench.service("web", "a")
            await bench.enforce(web)
            let (asker, first) = try bench.begin(from: bench.caller, web.clusterIPs[0])
            #expect(first.server == "a")
            try bench.mode.sabotage(bench.node.namespace)
            await bench.enforceEverything()
            #expect(try bench.ask(from: bench.client, web.clusterIPs[0]).server == "a")
            #expect(asker.echoes())
        },
        Behaviour("a change heals what somebody flushed of the same Service", [.established]) {
            (bench) async throws -> Void in
            var web = bench.service("web", "a")
            await bench.enforce(web)
            try bench.mode.sabotage(bench.node.namespace)
            web.ports[0].endpoints = [bench.endpoint("c")]
            let report = await bench.enforce(web)
            let outcome = try bench.ask(from: bench.caller, web.clusterIPs[0], within: PacketBench.silence)
            if report.problems[web.key] != [] || outcome.server != "c" {
                // What cannot be seen by the change itself is told by `losses`.
                await bench.enforceEverything()
            }
            #expect(try bench.ask(from: bench.caller, web.clusterIPs[0]).server == "c")
        },
        Behaviour("another enforcer takes over what one has left behind", [.established]) {
            (bench) async throws -> Void in
            var web = bench.service("web", "a", "c")
            web.ports[0].nodePort = 30080
            await bench.enforce(web, bench.service("old", "b"))
            let (asker, _) = try bench.begin(from: bench.caller, web.clusterIPs[0])
            #expect(asker.echoes())
            await bench.enforcer.shutDown(grace: .zero)
            #expect(asker.echoes())
            #expect(try bench.ask(from: bench.client, bench.node.address(bench.family), 30080).server != nil)
            let next = try bench.node.namespace.run {
                try bench.mode.make(PacketBench.policy)
            }
            let batch = EnforcementBatch(
                [.init(key: web.key, before: nil, after: web)], extent: .everything, on: bench.topology.identity)
            #expect(await next.enforce(batch).problems == [web.key: []])
            #expect(asker.echoes())
            #expect(try bench.ask(from: bench.client, bench.node.address(bench.family), 30080).server != nil)
            await next.shutDown(grace: .zero)
        },
    ]

    static let neighbours: [Behaviour] = [
        Behaviour("other programs' tables are left alone, and nothing is left after the clean-up") {
            (bench) async throws -> Void in
            guard CommandRun.find("iptables-restore") != nil, CommandRun.find("nft") != nil else {
                return print("skipped: other programs' tables are made with iptables and nft")
            }
            let namespace = bench.node.namespace
            try namespace.command(
                ["iptables-restore", "--noflush"],
                input: """
                    *nat
                    :MINE - [0:0]
                    -A PREROUTING -p tcp --dport 1 -j MINE
                    -A MINE -p tcp --dport 1 -j ACCEPT
                    COMMIT
                    *filter
                    :DOCKER-USER - [0:0]
                    -A FORWARD -p tcp --dport 1 -j DOCKER-USER
                    COMMIT

                    """)
            try namespace.command(
                ["nft", "-f", "-"],
                input: "table inet other { set s { type ipv4_addr; elements = { 192.0.2.1 }; }; "
                    + "chain c { type filter hook forward priority 5; ip saddr @s counter drop; }; }\n")
            /// Without counters, and chains of the system that are there because somebody looked.
            func others() throws -> [String] {
                let rules = try ["nat", "filter"].flatMap {
                    try namespace.command(["iptables-save", "-t", $0]).split(separator: "\n").map(String.init)
                }
                let tables = try namespace.command(["nft", "list", "table", "inet", "other"])
                return rules.filter { $0.contains("MINE") || $0.contains("DOCKER") } + [tables]
            }
            let before = try others()
            #expect(before.count == 6)
            var web = bench.service("web", "a", "c")
            web.ports[0].nodePort = 30080
            web.externalIPs = [bench.externalAddress(18)]
            web.loadBalancerIPs = [bench.externalAddress(19)]
            web.loadBalancerSourceRanges = SourceRanges(spec: ["192.0.2.0/24", "2001:db8::/32"], annotation: nil)
            await bench.enforce(web, bench.service("empty"))
            #expect(try others() == before)
            await bench.enforceEverything()
            #expect(try others() == before)
            await bench.remove(web)
            await bench.enforcer.shutDown(grace: .zero)
            try namespace.run { try bench.mode.cleanUp() }
            #expect(try others() == before)
            let ruleset = try namespace.command(["nft", "list", "ruleset"])
            #expect(!ruleset.contains("KUBE") && !ruleset.contains("martlet"), "\(ruleset)")
        }
    ]
}
