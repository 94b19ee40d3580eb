import Foundation
import Testing

private let hasRouter =
    OwnNetwork.isAvailable && FileManager.default.isExecutableFile(atPath: "/usr/sbin/bird")

extension EndToEnd {
    /// Load-balancer addresses that a router learns by BGP: nodes on the router's link, with MetalLB's own objects.
    @Suite(
        "Addresses that a router learns", .serialized,
        .enabled(if: hasRouter, "needs root, ip, iptables and bird2"))
    struct RouterTests {
        private static let address = "203.0.113.10"
        private static let address6 = "fdee::10"
        private static let router = 3

        private static let manifests = """
            apiVersion: v1
            kind: Namespace
            metadata: {name: metallb-system}
            ---
            apiVersion: metallb.io/v1beta1
            kind: IPAddressPool
            metadata: {name: routed, namespace: metallb-system}
            spec: {addresses: ["\(address)/32", "\(address6)/128"]}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec:
              type: LoadBalancer
              externalTrafficPolicy: Local
              ipFamilyPolicy: RequireDualStack
              selector: {app: shop}
              ports: [{port: 80, targetPort: 9001}]
            ---
            apiVersion: metallb.io/v1beta1
            kind: Community
            metadata: {name: names, namespace: metallb-system}
            spec: {communities: [{name: shop, value: "64512:7"}]}
            ---
            apiVersion: v1
            kind: Secret
            type: kubernetes.io/basic-auth
            metadata: {name: router, namespace: metallb-system}
            stringData: {username: none, password: secret}
            ---
            apiVersion: metallb.io/v1beta1
            kind: BFDProfile
            metadata: {name: fast, namespace: metallb-system}
            spec: {receiveInterval: 100, transmitInterval: 100}
            ---
            apiVersion: metallb.io/v1beta2
            kind: BGPPeer
            metadata: {name: router, namespace: metallb-system}
            spec:
              myASN: 64512
              peerASN: 64500
              peerAddress: \(MachineRoom.address(router))
              connectTime: 1s
              enableGracefulRestart: true
              bfdProfile: fast
              passwordSecret: {name: router}
              nodeSelectors:
              - matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [one]}]
            ---
            apiVersion: metallb.io/v1beta1
            kind: BGPAdvertisement
            metadata: {name: routed, namespace: metallb-system}
            spec: {ipAddressPools: [routed], communities: [shop]}
            """

        private static let bird = """
            router id \(MachineRoom.address(router));
            protocol device { scan time 1; }
            protocol bfd { interface "*" { min rx interval 100 ms; min tx interval 100 ms; multiplier 3; }; }
            protocol kernel { ipv4 { export all; }; merge paths on; }
            protocol kernel { ipv6 { export all; }; merge paths on; }
            \((1...2).map { machine in
                """
                protocol bgp node\(machine) {
                    local \(MachineRoom.address(router)) as 64500;
                    neighbor \(MachineRoom.address(machine)) as 64512;
                    connect retry time 1; error wait time 1, 2;
                    password "secret"; graceful restart on; bfd graceful;
                    ipv4 { import all; export none; };
                    ipv6 { import all; export none; };
                }
                """
            }.joined(separator: "\n"))
            """

        /// A server, two nodes with a backend each, and a router as machine 3, which is the client too.
        private func withShop(_ body: (MachineCluster, [Program]) async throws -> Void) async throws {
            try await MachineCluster.withBackends { cluster, nodes in
                let file = cluster.folder.appending(path: "bird.conf")
                try Self.bird.write(to: file, atomically: true, encoding: .utf8)
                let bird = try cluster.room.machines[Self.router].start(
                    ["/usr/sbin/bird", "-f", "-c", file.path, "-s", socket(cluster)])
                let output = try await cluster.kubectl("apply", "--validate=false", "-f", "-", input: Self.manifests)
                try #require(output.succeeded, "\(output)")
                do {
                    try await body(cluster, nodes)
                } catch {
                    let events = try await cluster.kubectl("get", "events", "-A").out
                    Issue.record("\(try await routes(cluster))\n\(events)")
                    await bird.stop()
                    throw error
                }
                await bird.stop()
            }
        }

        private func socket(_ cluster: MachineCluster) -> String { cluster.folder.appending(path: "bird.ctl").path }

        /// Who announces the Service to whom, as kubectl shows it.
        private func announcers(_ cluster: MachineCluster) async throws -> Set<String> {
            let text = try await cluster.kubectl(
                "get", "servicebgpstatuses", "-A", "-o",
                "jsonpath={range .items[*]}{.status.node} {.status.serviceName} {.status.peers}{\"\\n\"}{end}"
            ).out
            return Set(text.split(separator: "\n").map(String.init))
        }

        private func routes(_ cluster: MachineCluster) async throws -> String {
            try await cluster.room.machines[Self.router].run(
                ["/usr/sbin/birdc", "-s", socket(cluster), "show", "route", "all"]
            ).out
        }

        /// Whether the router has a way to the address over each of the machines, and over no other.
        private func leads(
            _ cluster: MachineCluster, _ address: String = address, to machines: [Int]
        ) async throws -> Bool {
            let text = try await cluster.room.machines[Self.router].run(
                ["ip", address.contains(":") ? "-6" : "-4", "route", "show", address]
            ).out
            let hops = (1...2).filter { machine in
                let hop = address.contains(":") ? MachineRoom.address6(machine) : MachineRoom.address(machine)
                return text.contains("via \(hop) ")
            }
            return hops == machines
        }

        @Test func `the router has a way over each node, and a killed data plane costs no request`() async throws {
            try await withShop { cluster, nodes in
                try await eventually(within: .seconds(60), "ways over both nodes") {
                    try await leads(cluster, to: [1, 2])
                }
                // Nobody would answer there: the backends are of IPv4.
                #expect(try await leads(cluster, Self.address6, to: []))
                #expect(try await routes(cluster).contains("BGP.community: (64512,7)"))
                try await eventually(within: .seconds(30), "an answer") {
                    try await cluster.status(
                        from: Self.router, "--connect-timeout", "1", "http://\(Self.address)/") == "200"
                }
                // Said in the API, by those who announce.
                try await eventually(within: .seconds(30), "who announces, as kubectl shows it") {
                    try await announcers(cluster) == [#"two shop ["router"]"#, #"three shop ["router"]"#]
                }
                let dump = try await cluster.room.machines[0].run(
                    [cluster.binary, "announce", "dump", "--kubeconfig", cluster.kubeconfig])
                #expect(
                    dump.out.contains(
                        "\(Self.address) bgp default/shop: announced by three to router, two to router"), "\(dump)")

                // A client that asks without a pause, while both data planes are killed and come back.
                let client = try cluster.room.machines[Self.router].start([
                    "sh", "-c",
                    "while :; do curl -s -o /dev/null --max-time 10 -w '%{http_code}\\n' http://\(Self.address)/; done",
                ])
                @Sendable func asked() -> Int { client.output.out.split(separator: "\n").count }
                try await eventually(within: .seconds(60), "requests") { asked() > 50 }
                for node in nodes {
                    let child = try await Program.run("pgrep", ["-P", "\(node.pid)", "-f", "dataplane"]).out
                    let pid = try #require(pid_t(child.trimmingCharacters(in: .whitespacesAndNewlines)), "\(child)")
                    kill(pid, SIGKILL)
                    let before = asked()
                    try await eventually(within: .seconds(60), "another data plane") {
                        let next = try await Program.run("pgrep", ["-P", "\(node.pid)", "-f", "dataplane"]).out
                        return !next.isEmpty && next != child
                    }
                    try await eventually(within: .seconds(60), "more requests") { asked() > before + 50 }
                    #expect(try await leads(cluster, to: [1, 2]))
                }
                await client.stop()
                let answers = client.output.out.split(separator: "\n")
                #expect(answers.dropLast().allSatisfy { $0 == "200" }, "\(Set(answers))")

                // The policy is Local: who has no endpoint takes the way back.
                _ = try await cluster.kubectl("delete", "pod", "shop-3", "--wait=false")
                try await eventually(within: .seconds(60), "the way over one node alone") {
                    try await leads(cluster, to: [1])
                }
                #expect(try await cluster.status(from: Self.router, "http://\(Self.address)/") == "200")
                _ = try await cluster.kubectl("delete", "service", "shop")
                for address in [Self.address, Self.address6] {
                    try await eventually(within: .seconds(60), "no way to \(address)") {
                        try await leads(cluster, address, to: [])
                    }
                }
                try await eventually(within: .seconds(30), "nobody to say that it announces") {
                    try await cluster.kubectl("get", "servicebgpstatuses", "-A", "-o", "name").out.isEmpty
                }
            }
        }

        @Test func `what a node says of its announcements is kept right, and taken back when it dies`() async throws {
            try await withShop { cluster, nodes in
                let both: Set = [#"two shop ["router"]"#, #"three shop ["router"]"#]
                try await eventually(within: .seconds(60), "both nodes to be named") {
                    try await announcers(cluster) == both
                }
                // Whoever removes it is contradicted.
                let removed = try await cluster.kubectl("delete", "servicebgpstatuses", "-A", "--all")
                #expect(removed.succeeded, "\(removed)")
                try await eventually(within: .seconds(30), "the statuses to be written again") {
                    try await announcers(cluster) == both
                }
                // A second router, whether it is there or not: MetalLB names whom a node is to tell (v1beta1, `peers`).
                let second = try await cluster.kubectl(
                    "apply", "--validate=false", "-f", "-",
                    input: """
                        apiVersion: metallb.io/v1beta2
                        kind: BGPPeer
                        metadata: {name: absent, namespace: metallb-system}
                        spec: {myASN: 64512, peerASN: 64500, peerAddress: \(MachineRoom.address(3)), peerPort: 1790}
                        """)
                try #require(second.succeeded, "\(second)")
                try await eventually(within: .seconds(60), "an Event about the peer that is not there") {
                    try await cluster.kubectl(
                        "get", "events", "-n", "metallb-system", "-o", "jsonpath={.items[*].involvedObject.name}"
                    ).out.contains("absent")
                }
                let told: Set = [#"two shop ["absent","router"]"#, #"three shop ["absent","router"]"#]
                try await eventually(within: .seconds(30), "both peers of both nodes") {
                    try await announcers(cluster) == told
                }
                #expect(try await cluster.kubectl("delete", "bgppeer", "absent", "-n", "metallb-system").succeeded)
                try await eventually(within: .seconds(30), "the one peer that is left") {
                    try await announcers(cluster) == both
                }

                // A machine that dies: its cable too, since the processes of a namespace would say goodbye.
                try await cluster.room.unplug(1)
                try await eventually(within: .seconds(120), "the living node to be named alone") {
                    try await announcers(cluster) == [#"three shop ["router"]"#]
                }
                let node = try await cluster.kubectl(
                    "get", "node", "two", "-o", "jsonpath={.status.conditions[?(@.type=='Ready')].status}")
                #expect(node.out == "Unknown")
                for node in nodes { await node.stop() }
            }
        }

        @Test func `Ctrl-C takes a node's ways back at once, with graceful restart too`() async throws {
            try await withShop { cluster, nodes in
                try await eventually(within: .seconds(60), "ways over both nodes") {
                    try await leads(cluster, to: [1, 2])
                }
                kill(nodes[0].pid, SIGINT)
                // The restart time is two minutes.
                try await eventually(within: .seconds(60), "the way over the other node alone") {
                    try await leads(cluster, to: [2])
                }
                let log = try await cluster.room.machines[Self.router].run(
                    ["/usr/sbin/birdc", "-s", socket(cluster), "show", "protocols", "all", "node1"]
                ).out
                #expect(log.contains("Administrative shutdown"), "\(log)")
            }
        }

        @Test func `who cleans up after a stopped node has its router forget what that keeps for a restart`()
            async throws
        {
            try await withShop { cluster, nodes in
                try await eventually(within: .seconds(60), "ways over both nodes") {
                    try await leads(cluster, to: [1, 2])
                }
                await nodes[0].stop()
                // As for a restart.
                #expect(try await leads(cluster, to: [1, 2]))
                let output = try await cluster.room.machines[1].run([
                    cluster.binary, "dataplane", "--cleanup", "--node-name", "two", "--kubeconfig",
                    cluster.folder.appending(path: "two/node.kubeconfig").path,
                ])
                #expect(output.out.contains("BGPPeer metallb-system/router keeps no routes of this node"), "\(output)")
                try await eventually(within: .seconds(10), "the way over the other node alone") {
                    try await leads(cluster, to: [2])
                }
            }
        }

        @Test func `a peer that is not followed is told by an Event`() async throws {
            try await withShop { cluster, _ in
                try await eventually(within: .seconds(60), "ways over both nodes") {
                    try await leads(cluster, to: [1, 2])
                }
                let patch = #"{"spec": {"passwordSecret": {"name": "gone"}}}"#
                let output = try await cluster.kubectl(
                    "patch", "bgppeer", "router", "-n", "metallb-system", "--type", "merge", "-p", patch)
                try #require(output.succeeded, "\(output)")
                try await eventually(within: .seconds(60), "no ways") { try await leads(cluster, to: []) }
                try await eventually(within: .seconds(30), "the Event") {
                    try await cluster.kubectl(
                        "get", "events", "-n", "metallb-system", "-o", "jsonpath={.items[*].message}"
                    ).out.contains("there is no Secret gone")
                }
            }
        }
    }
}
