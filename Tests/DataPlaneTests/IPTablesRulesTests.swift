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

    /// Many Services of two endpoints each.
    private func many(_ count: Int, first: Int = 1) -> [NamespacedName: IPTablesServiceRules] {
        var result: [NamespacedName: IPTablesServiceRules] = [:]
        for number in 0..<count {
            var entry = entry(["10.180.\(first).\(number % 250 + 1):80", "10.181.\(first).\(number % 250 + 1):80"])
            entry.key = NamespacedName(namespace: "ns1", name: "svc\(number)")
            entry.externalIPs = [IPAddress("192.0.2.9")!]
            result[entry.key] = rules(entry)
        }
        return result
    }

    /// What the transactions of a script do with chains, one after the other: each chain is there before something leads to
    /// it, nothing leads to one that goes, and no transaction names too many.
    ///
    /// - Returns: the rules of each chain of nat at the end.
    private func run(_ script: RestoreScript, from start: [String: [String]] = [:]) -> [String: [String]] {
        var (chains, table, named) = (start, "", Set<String>())
        func target(_ rule: String) -> String { rule.split(separator: " ").last.map(String.init) ?? "" }
        /// How many rules lead to each chain.
        var ways: [String: Int] = [:]
        for rule in start.values.joined() { ways[target(rule), default: 0] += 1 }
        func set(_ chain: String, _ rules: [String]?) {
            for rule in chains[chain] ?? [] { ways[target(rule), default: 0] -= 1 }
            for rule in rules ?? [] { ways[target(rule), default: 0] += 1 }
            chains[chain] = rules
        }
        for line in text(script) {
            let words = line.split(separator: " ").map(String.init)
            let rule = words.dropFirst(2).joined(separator: " ")
            switch words[0] {
            case "COMMIT": #expect(named.count <= IPTablesRuleset.chainLimit + 10)
            case let word where word.hasPrefix("*"): (table, named) = (word, [])
            case _ where table != "*nat": break
            case let word where word.hasPrefix(":"):
                set(String(word.dropFirst()), [])
                named.insert(String(word.dropFirst()))
            case "-A", "-I":
                named.insert(words[1])
                #expect(!target(rule).hasPrefix("KUBE-") || chains[target(rule)] != nil, "\(line)")
                chains[words[1], default: []].append(rule)
                ways[target(rule), default: 0] += 1
            case "-D":
                #expect(chains[words[1]]?.contains(rule) == true, "\(line)")
                set(words[1], chains[words[1]]?.filter { $0 != rule })
            case "-X":
                named.insert(words[1])
                #expect(chains[words[1]] == [] && ways[words[1], default: 0] == 0, "\(line)")
                set(words[1], nil)
            default: Issue.record("\(line)")
            }
        }
        return chains
    }

    @Test func `many Services come, change and go in transactions of a size that iptables-restore is quick with`() {
        var ruleset = IPTablesRuleset(frame)
        let (old, new) = (many(500), many(500, first: 2))
        let replacement = ruleset.replacement(old, over: IPTablesListing())
        #expect(text(replacement).count { $0 == "*nat" } == 6)
        let first = run(replacement)
        ruleset.commitReplacement(old)
        let change = ruleset.change(new)
        let changed = run(change, from: first)
        ruleset.commit(new)
        // As if the new ones alone had come.
        let direct = run(IPTablesRuleset(frame).replacement(new, over: IPTablesListing()))
        #expect(changed.mapValues { Set($0) } == direct.mapValues { Set($0) })
        // Over what is there already, with chains that nobody wants any more.
        var listing = IPTablesListing()
        listing.takeLine("*nat")
        for (chain, rules) in first {
            listing.takeLine(":\(chain) - [0:0]"[...])
            for rule in rules { listing.takeLine("-A \(chain) \(rule)"[...]) }
        }
        let over = IPTablesRuleset(frame).replacement(new, over: listing)
        #expect(run(over, from: first) == direct)
        let gone = ruleset.change(new.mapValues { _ in IPTablesServiceRules() })
        #expect(run(gone, from: changed).keys.allSatisfy { !$0.hasPrefix("KUBE-S") || $0 == "KUBE-SERVICES" })
        let system = run(IPTablesRuleset.removal(of: listing), from: first)
        #expect(Set(system.keys) == ["PREROUTING", "OUTPUT", "POSTROUTING"] && system.values.allSatisfy { $0.isEmpty })
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
