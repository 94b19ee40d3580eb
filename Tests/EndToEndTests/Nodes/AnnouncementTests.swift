import Announcement
import Foundation
import NetworkTypes
import Testing

extension EndToEnd {
    /// Load-balancer addresses on a real wire: nodes that are killed, cut off from the API, and left without endpoints.
    @Suite(
        "Addresses on the local network", .serialized,
        .enabled(if: OwnNetwork.isAvailable, "needs root, ip and iptables"))
    struct AnnouncementTests {
        private static let address = "10.99.0.100"
        private static let address6 = "2001:db8:99::100"

        private static func manifests(policy: String = "Cluster") -> String {
            """
            apiVersion: traffic.martlet.dev/v1
            kind: AddressPool
            metadata: {name: wire}
            spec: {addresses: ["\(address)/32", "\(address6)/128"]}
            ---
            apiVersion: v1
            kind: Namespace
            metadata: {name: metallb-system}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: shop}
            spec:
              type: LoadBalancer
              externalTrafficPolicy: \(policy)
              ipFamilyPolicy: RequireDualStack
              selector: {app: shop}
              ports: [{port: 80, targetPort: 9001}]
            ---
            apiVersion: metallb.io/v1beta1
            kind: L2Advertisement
            metadata: {name: wire, namespace: metallb-system}
            spec:
              ipAddressPools: [wire]
              nodeSelectors:
              - matchExpressions: [{key: kubernetes.io/hostname, operator: NotIn, values: [one]}]
            """
        }

        /// A server, two nodes with a backend each, and a client as machine 3.
        private func withShop(
            policy: String = "Cluster", _ flags: [String] = [], _ body: (MachineCluster, [Program]) async throws -> Void
        ) async throws {
            try await MachineCluster.withBackends(flags) { cluster, nodes in
                try await cluster.backend("shop6-2", on: 1, node: "two", isIPv6: true)
                try await cluster.backend("shop6-3", on: 2, node: "three", isIPv6: true)
                let output = try await cluster.kubectl(
                    "apply", "--validate=false", "-f", "-", input: Self.manifests(policy: policy))
                try #require(output.succeeded, "\(output)")
                do {
                    try await body(cluster, nodes)
                } catch {
                    print("    \(try await dump(cluster))")
                    throw error
                }
            }
        }

        private func dump(_ cluster: MachineCluster, _ arguments: String...) async throws -> String {
            let output = try await cluster.room.machines[0].run(
                [cluster.binary, "announce", "dump", "--kubeconfig", cluster.kubeconfig] + arguments)
            return output.succeeded ? output.out : "\(output)"
        }

        /// Whom the API names.
        private func announcers(_ cluster: MachineCluster) async throws -> Set<String> {
            let text = try await cluster.kubectl(
                "get", "servicel2statuses", "-A", "-o", "jsonpath={.items[*].status.node}"
            ).out
            return Set(text.split(separator: " ").map(String.init))
        }

        private func hardware(of machine: Int, _ cluster: MachineCluster) async throws -> HardwareAddress {
            let text = try await cluster.room.machines[machine].run(
                ["ip", "netns", "exec", cluster.room.machines[machine].name, "cat", "/sys/class/net/eth0/address"]
            ).out
            let bytes = text.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ":").compactMap {
                UInt8($0, radix: 16)
            }
            return try #require(HardwareAddress(bytes), "\(text)")
        }

        private func probe(_ cluster: MachineCluster, _ addresses: [String]) async throws -> NeighbourProbe {
            let machine = cluster.room.machines[3]
            let link = try await machine.run(["sh", "-c", "ip -o link show eth0 | cut -d: -f1"]).out
            return try NeighbourProbe(
                in: machine, asking: try addresses.map { try #require(IPAddress($0)) },
                own: try [MachineRoom.address(3), MachineRoom.address6(3)].map { try #require(IPAddress($0)) },
                hardware: try await hardware(of: 3, cluster),
                link: try #require(Int32(link.trimmingCharacters(in: .whitespacesAndNewlines))))
        }

        private func isServed(_ cluster: MachineCluster, _ address: String) async throws -> Bool {
            try await cluster.status(from: 3, "--connect-timeout", "1", "http://\(address)/") == "200"
        }

        /// Whether nobody answered after another one had begun to.
        private func alternations(_ answers: [NeighbourProbe.Answer]) -> Int {
            var changes = 0
            for (before, after) in zip(answers, answers.dropFirst()) where before.hardware != after.hardware {
                changes += 1
            }
            return changes
        }

        @Test func `an address has one announcer, and another one within seconds when that is killed`() async throws {
            try await withShop { cluster, nodes in
                for address in [Self.address, "[\(Self.address6)]"] {
                    try await eventually(within: .seconds(60), "the client to reach \(address)") {
                        try await isServed(cluster, address)
                    }
                }
                // Said in the API, by those who announce.
                try await eventually(within: .seconds(30), "who announces, as kubectl shows it") {
                    let text = try await cluster.kubectl(
                        "get", "servicel2statuses", "-A", "-o", "jsonpath={.items[*].status.serviceName}"
                    ).out
                    return text.contains("shop")
                }
                // Whoever removes it is contradicted.
                let removed = try await cluster.kubectl("delete", "servicel2statuses", "-A", "--all")
                #expect(removed.succeeded, "\(removed)")
                try await eventually(within: .seconds(30), "the status to be written again") {
                    try await !announcers(cluster).isEmpty
                }
                try await eventually(within: .seconds(30), "the Event") {
                    try await cluster.kubectl("get", "events", "-o", "jsonpath={.items[*].reason}").out.contains(
                        "nodeAssigned")
                }
                let text = try await dump(cluster)
                #expect(text.contains("\(Self.address) layer2 default/shop: announced by t"), "\(text)")

                let ip = try #require(IPAddress(Self.address))
                let ip6 = try #require(IPAddress(Self.address6))
                let probe = try await probe(cluster, [Self.address, Self.address6])
                for address in [ip, ip6] {
                    try await eventually(within: .seconds(30), "some answers for \(address)") {
                        try probe.answers(for: address).count > 20
                    }
                }
                for address in [ip, ip6] {
                    #expect(try Set(probe.answers(for: address).map(\.hardware)).count == 1)
                }
                let two = try await hardware(of: 1, cluster)
                let victim = try probe.answers(for: ip).last?.hardware == two ? 1 : 2
                let other = try await hardware(of: 3 - victim, cluster)

                // A machine that dies: its cable too, since the processes of a namespace would say goodbye.
                let died = Layer2Speaker.now
                try await cluster.room.unplug(victim)
                try await eventually(within: .seconds(60), "the other node to answer") {
                    try probe.answers(for: ip).last?.hardware == other
                }
                let first = try #require(try probe.answers(for: ip).first { $0.hardware == other && $0.moment > died })
                try await eventually(within: .seconds(60), "the client to reach it again") {
                    try await isServed(cluster, Self.address)
                }
                print(
                    "    a node died: the first word of the next was heard after \(first.moment - died), "
                        + "the client got its first answer after at most \(Layer2Speaker.now - died)")
                // By itself: whoever had the old one in his cache was told.
                #expect(try probe.answers(for: ip).contains { $0.hardware == other && $0.isGratuitous })
                #expect(try alternations(probe.answers(for: ip)) == 1)
                try await eventually(within: .seconds(60), "the client to reach it over IPv6") {
                    try await isServed(cluster, "[\(Self.address6)]")
                }
                #expect(try alternations(probe.answers(for: ip6)) <= 1)
                try await probe.stop()

                // What is said of the dead one is taken back by who lives; without a neighbour too.
                let names = ["two", "three"]
                try await eventually(within: .seconds(30), "the status to name the living alone") {
                    try await announcers(cluster) == [names[2 - victim]]
                }
                try await cluster.room.unplug(3 - victim)
                try await eventually(within: .seconds(30), "nobody to be named") {
                    let text = try await dump(cluster)
                    return try await announcers(cluster).isEmpty && text.contains("announced by nobody yet")
                }
                for node in nodes { await node.stop() }
            }
        }

        @Test func `a node that is stopped hands its addresses over, long before its Lease would run out`() async throws
        {
            try await withShop(["--announce-lease-duration-seconds", "60", "--v", "2"]) { cluster, nodes in
                try await eventually(within: .seconds(60), "the client to reach the address") {
                    try await isServed(cluster, Self.address)
                }
                let ip = try #require(IPAddress(Self.address))
                let probe = try await probe(cluster, [Self.address])
                try await eventually(within: .seconds(30), "some answers") { try probe.answers(for: ip).count > 20 }
                let two = try await hardware(of: 1, cluster)
                let victim = try probe.answers(for: ip).last?.hardware == two ? 1 : 2
                let other = try await hardware(of: 3 - victim, cluster)
                let asked = Layer2Speaker.now
                async let stopped: Void = nodes[victim - 1].stop()
                // Nobody else may take it for a minute after the last renewal, unless it is given up.
                try await eventually(within: .seconds(30), "the other node to answer") {
                    try probe.answers(for: ip).last?.hardware == other
                }
                let first = try #require(try probe.answers(for: ip).first { $0.hardware == other && $0.moment > asked })
                print("    a node was stopped: the first word of the next was heard after \(first.moment - asked)")
                await stopped
                // Told to whoever asked for details.
                let log = try String(
                    contentsOf: cluster.folder.appending(path: "\(["two", "three"][victim - 1])/logs/dataplane.log"),
                    encoding: .utf8)
                #expect(log.contains("layer 2: announcing ") && log.contains("addresses: "), "\(log)")
                #expect(log.contains("enforced "))
                #expect(try alternations(probe.answers(for: ip)) == 1)
                try await eventually(within: .seconds(30), "the status to name the other alone") {
                    try await announcers(cluster) == [["two", "three"][2 - victim]]
                }
                try await probe.stop()
            }
        }

        @Test func `another machine that claims an address is told by an Event of the Service, and contradicted`()
            async throws
        {
            try await withShop { cluster, nodes in
                for address in [Self.address, "[\(Self.address6)]"] {
                    try await eventually(within: .seconds(60), "the client to reach \(address)") {
                        try await isServed(cluster, address)
                    }
                }
                let ip = try #require(IPAddress(Self.address))
                let probe = try await probe(cluster, [Self.address])
                try await eventually(within: .seconds(30), "some answers") { try probe.answers(for: ip).count > 20 }
                let holder = try #require(try probe.answers(for: ip).last).hardware
                let told = try probe.answers(for: ip).count { $0.isGratuitous }
                let thief = try await hardware(of: 3, cluster)
                // The client's machine takes it, and looks for a neighbour in its name.
                let taken = try await cluster.room.machines[3].run([
                    "sh", "-c",
                    """
                    ip address add \(Self.address)/32 dev eth0 && ip -6 address add \(Self.address6)/128 dev eth0 nodad
                    ip neighbour flush dev eth0
                    for machine in \(MachineRoom.address(1)) \(MachineRoom.address(2)); do
                        curl -s -o /dev/null --max-time 1 --interface \(Self.address) http://$machine:9001/
                    done
                    for machine in \(MachineRoom.address6(1)) \(MachineRoom.address6(2)); do
                        curl -s -o /dev/null --max-time 1 --interface \(Self.address6) "http://[$machine]:9001/"
                    done
                    true
                    """,
                ])
                try #require(taken.succeeded, "\(taken)")
                for address in [Self.address, Self.address6] {
                    try await eventually(within: .seconds(30), "an Event about \(address)") {
                        let events = try await cluster.kubectl(
                            "get", "events", "--field-selector", "reason=addressConflict,involvedObject.name=shop",
                            "-o",
                            #"jsonpath={range .items[*]}{.type} {.involvedObject.kind} {.message}{"\n"}{end}"#)
                        return events.out.contains("Warning Service \(address) is claimed by \(thief) on eth0 too")
                    }
                }
                // Whoever believed the other one is told better.
                try await eventually(within: .seconds(30), "a contradiction") {
                    try probe.answers(for: ip).count { $0.isGratuitous } > told
                }
                #expect(try probe.answers(for: ip).last { $0.isGratuitous }?.hardware == holder)
                try await probe.stop()
                for node in nodes { await node.stop() }
            }
        }

        @Test func `a node that loses the API falls silent before another one speaks`() async throws {
            try await withShop { cluster, _ in
                try await eventually(within: .seconds(60), "the client to reach the address") {
                    try await isServed(cluster, Self.address)
                }
                let ip = try #require(IPAddress(Self.address))
                let probe = try await probe(cluster, [Self.address])
                try await eventually(within: .seconds(30), "some answers") { try probe.answers(for: ip).count > 20 }
                let two = try await hardware(of: 1, cluster)
                let victim = try probe.answers(for: ip).last?.hardware == two ? 1 : 2
                let (old, new) = (
                    try await hardware(of: victim, cluster), try await hardware(of: 3 - victim, cluster)
                )
                // Nobody is told, and its own cable is well.
                try await cluster.room.machines[victim].dropPackets(port: 6443)
                try await eventually(within: .seconds(60), "the other node to answer") {
                    try probe.answers(for: ip).last?.hardware == new
                }
                let count = try probe.answers(for: ip).count
                try await eventually(within: .seconds(60), "many more answers") {
                    try probe.answers(for: ip).count > count + 200
                }
                let answers = try probe.answers(for: ip)
                let lastOld = try #require(answers.last { $0.hardware == old })
                let firstNew = try #require(answers.first { $0.hardware == new })
                #expect(lastOld.moment < firstNew.moment)
                #expect(alternations(answers) == 1)
                print("    a node lost the API: silence of \(firstNew.moment - lastOld.moment) between the two")
                #expect(try await isServed(cluster, Self.address))

                // It comes back, and disturbs nothing.
                try await cluster.room.machines[victim].dropPackets(port: 6443, false)
                let before = try probe.answers(for: ip).count
                try await eventually(within: .seconds(60), "many more answers") {
                    try probe.answers(for: ip).count > before + 300
                }
                #expect(try alternations(probe.answers(for: ip)) == 1)
                try await probe.stop()
            }
        }

        @Test func `the policy Local follows the endpoints, and a cordoned node hands over`() async throws {
            try await withShop(policy: "Local") { cluster, _ in
                try await eventually(within: .seconds(60), "the client to reach the address") {
                    try await isServed(cluster, Self.address)
                }
                let ip = try #require(IPAddress(Self.address))
                let probe = try await probe(cluster, [Self.address])
                try await eventually(within: .seconds(30), "some answers") { try probe.answers(for: ip).count > 20 }
                let hardware = [try await hardware(of: 1, cluster), try await hardware(of: 2, cluster)]
                @Sendable func holder() throws -> Int? {
                    try probe.answers(for: ip).last.flatMap { hardware.firstIndex(of: $0.hardware) }
                }
                let first = try #require(try holder())
                let names = ["two", "three"]
                // Its only endpoint goes.
                let gone = Layer2Speaker.now
                let output = try await cluster.kubectl(
                    "delete", "pod", "shop-\(first + 2)", "--grace-period=0", "--force")
                #expect(output.succeeded, "\(output)")
                try await eventually(within: .seconds(60), "the node with the endpoint") {
                    try holder() == 1 - first
                }
                print(
                    "    the last endpoint of a node went: the other node was heard after \(Layer2Speaker.now - gone)")
                #expect(try await isServed(cluster, Self.address))
                // It comes back; then the other node is cordoned off.
                try await cluster.backend("shop-\(first + 2)", on: first + 1, node: names[first])
                let cordoned = Layer2Speaker.now
                #expect(try await cluster.kubectl("cordon", names[1 - first]).succeeded)
                try await eventually(within: .seconds(60), "the node that is not cordoned off") {
                    try holder() == first
                }
                print("    a node was cordoned off: the other was heard after \(Layer2Speaker.now - cordoned)")
                try await eventually(within: .seconds(30), "the client to reach the address") {
                    try await isServed(cluster, Self.address)
                }
                // Nobody may announce: it is said why.
                #expect(
                    try await cluster.kubectl("delete", "l2advertisement", "-n", "metallb-system", "wire").succeeded)
                try await eventually(within: .seconds(30), "silence") {
                    let count = try probe.answers(for: ip).count
                    try await Task.sleep(for: .milliseconds(300))
                    return try probe.answers(for: ip).count == count
                }
                let text = try await dump(cluster, "default/shop")
                #expect(
                    text.contains("\(Self.address) default/shop: not announced: no advertisement names"), "\(text)")
                try await eventually(within: .seconds(30), "the status to be taken back") {
                    try await cluster.kubectl("get", "servicel2statuses", "-A", "-o", "name").out.isEmpty
                }
                try await probe.stop()
            }
        }
    }
}
