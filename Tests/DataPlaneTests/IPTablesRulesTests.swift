import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Services become iptables chains, and changes become small scripts")
struct IPTablesRulesTests {
    private let node = NodeIdentity(name: "here", nodePortAddresses: [IPAddress("192.0.2.1")!])
    private let key = NamespacedName(namespace: "ns1", name: "svc1")

    private func entry(_ endpoints: [String] = ["10.180.0.1:80"]) -> ServiceEntry {
        ServiceEntry(
            key: key, clusterIPs: [IPAddress("172.30.0.41")!],
            ports: [
                ServicePortEntry(
                    name: "p80", port: 80, endpoints: endpoints.map { ServiceEndpoint(address: SocketAddress($0)!) })
            ])
    }

    private func rules(_ entry: ServiceEntry) -> IPTablesServiceRules {
        IPTablesServiceRules(entry, frame, on: node) { _ in true }
    }

    private var policy: MasqueradePolicy {
        var policy = MasqueradePolicy()
        policy.podNetworks = [CIDR("10.0.0.0/8")!]
        return policy
    }

    private var frame: IPTablesFrame {
        IPTablesFrame(
            .v4, node: node, policy: policy)
    }

    private func text(_ script: RestoreScript) -> [String] {
        String(decoding: script.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    @Test func `chains have kube-proxy's names`() {
        // As kube-proxy names them.
        #expect(IPTablesChainName.name(.cluster, port: "ns1/svc1:p80", .tcp) == "KUBE-SVC-XPGD46QRK7WJZT7O")
        #expect(
            IPTablesChainName.name(ofEndpoint: SocketAddress("10.180.0.1:80")!, port: "ns1/svc1:p80", .tcp)
                == "KUBE-SEP-SXIVWICOYRO3J4NJ")
    }

    @Test func `a script of the same rules is empty`() {
        var ruleset = IPTablesRuleset(frame)
        ruleset.commit([key: rules(entry())])
        #expect(ruleset.change([key: rules(entry())]).isEmpty)
    }

    @Test func `an endpoint more touches the chain that chooses, and its own`() {
        var ruleset = IPTablesRuleset(frame)
        ruleset.commit([key: rules(entry())])
        let lines = text(ruleset.change([key: rules(entry(["10.180.0.1:80", "10.180.0.2:80"]))]))
        #expect(lines.first == "*nat" && lines.last == "COMMIT")
        #expect(lines.filter { $0.hasPrefix(":") }.count == 2)
        #expect(!lines.contains { $0.contains("KUBE-SERVICES") })
        #expect(lines.contains { $0.hasPrefix("-A KUBE-SVC-") && $0.contains("--probability 0.5000000000 ") })
    }

    @Test func `the last endpoint's end refuses, and leaves no chain behind`() {
        var ruleset = IPTablesRuleset(frame)
        ruleset.commit([key: rules(entry())])
        let lines = text(ruleset.change([key: rules(entry([]))]))
        #expect(lines.contains { $0.hasPrefix("-I KUBE-SERVICES -d 172.30.0.41 ") && $0.hasSuffix("-j REJECT") })
        #expect(lines.contains { $0.hasPrefix("-D KUBE-SERVICES -d 172.30.0.41 ") })
        #expect(lines.contains("-X KUBE-SVC-XPGD46QRK7WJZT7O") && lines.contains("-X KUBE-SEP-SXIVWICOYRO3J4NJ"))
    }

    @Test(
        arguments: [
            ("iptables-restore: line 12 failed", 12),
            ("iptables-restore v1.8.9 (nf_tables): \nline 3: RULE_APPEND failed", 3),
            ("Error occurred at line: 7\nTry `iptables-restore -h'", 7),
            ("Another app is holding the xtables lock", nil),
        ] as [(String, Int?)])
    func `a complaint names its line`(complaint: String, line: Int?) {
        #expect(RestoreScript.line(in: complaint) == line)
    }

    @Test func `a script knows whose its lines are`() {
        let script = IPTablesRuleset(frame).change([key: rules(entry())])
        let lines = text(script)
        #expect(script.owner(ofLine: 1) == nil && script.owner(ofLine: lines.count) == nil)
        for (index, line) in lines.enumerated() where line.hasPrefix("-A") {
            #expect(script.owner(ofLine: index + 1) == key)
        }
    }

    @Test func `a listing in pieces is read as in one`() {
        let text = """
            *nat
            :PREROUTING ACCEPT [0:0]
            :KUBE-SERVICES - [0:0]
            :KUBE-SVC-XPGD46QRK7WJZT7O - [0:0]
            :MINE - [0:0]
            -A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
            -A KUBE-SVC-XPGD46QRK7WJZT7O -j KUBE-SEP-SXIVWICOYRO3J4NJ
            -A PREROUTING -j MINE
            COMMIT

            """
        for size in [1, 7, 1000] {
            var listing = IPTablesListing()
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                bytes[start..<min(bytes.count, start + size)].withUnsafeBytes { listing.take($0) }
            }
            #expect(listing.chains == [.nat: ["KUBE-SERVICES": 0, "KUBE-SVC-XPGD46QRK7WJZT7O": 1]])
            #expect(listing.entrances[.nat]?.count == 1)
        }
    }
}
