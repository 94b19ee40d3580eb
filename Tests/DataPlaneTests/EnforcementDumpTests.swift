import KubeModel
import NFTables
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("What the kernel enforces is told in words, and where it differs") struct EnforcementDumpTests {
    private let node = NodeIdentity(
        name: "node-1", nodePortAddresses: [IPAddress("192.0.2.1")!], ownAddresses: [IPAddress("192.0.2.1")!])
    private let web = NamespacedName(namespace: "shop", name: "web")
    private let api = NamespacedName(namespace: "shop", name: "api")

    private var services: [ServiceEntry] {
        let endpoints = [("10.1.0.5:8080", "node-1"), ("10.2.0.6:8080", "node-2")].map {
            ServiceEndpoint(address: SocketAddress($0.0)!, nodeName: $0.1)
        }
        return [
            ServiceEntry(
                key: web, clusterIPs: [IPAddress("10.96.0.7")!], loadBalancerIPs: [IPAddress("203.0.113.5")!],
                loadBalancerSourceRanges: SourceRanges(spec: ["192.0.2.0/24", "255.0.0.0/8"], annotation: nil),
                externalTrafficPolicy: .local,
                ports: [ServicePortEntry(port: 80, nodePort: 30_080, endpoints: endpoints)]),
            ServiceEntry(
                key: api, clusterIPs: [IPAddress("10.96.0.8")!, IPAddress("fd96::8")!], affinitySeconds: 60,
                ports: [
                    ServicePortEntry(
                        port: 80,
                        endpoints: endpoints + [ServiceEndpoint(address: SocketAddress("[fd81::1]:8080")!)])
                ]),
        ]
    }

    /// A machine that enforces the Services.
    private func ruleset() throws -> SimulatedRuleset {
        var (planner, plan) = (FrontendPlanner(), NFTablesPlan())
        let changes = services.map { ServiceChange(key: $0.key, before: nil, after: $0) }
        let ruleset = SimulatedRuleset()
        _ = plan.apply(planner.plan(changes, on: node).changes, of: changes, on: node)
        try ruleset.commit(NFTransaction(TableLayout.table, plan.repairs(of: nil)), expecting: nil)
        return ruleset
    }

    private func dump(_ ruleset: SimulatedRuleset) -> EnforcementDump {
        EnforcementDump(
            services, on: node, nodePorts: nil,
            ruleset.listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets))
    }

    @Test func `all of it in words`() throws {
        let dump = dump(try ruleset())
        #expect(dump.isSound())
        #expect(
            dump.text(of: web) == [
                "shop/web",
                "  10.96.0.7:80/TCP: cluster IP, to one of 2, at random: 10.1.0.5:8080, 10.2.0.6:8080",
                "  192.0.2.1:30080/TCP: node port, to 10.1.0.5:8080; "
                    + "from this node and Pods to one of 2, at random: 10.1.0.5:8080, 10.2.0.6:8080",
                "  203.0.113.5:80/TCP: load-balancer IP, to 10.1.0.5:8080; "
                    + "only from 192.0.2.0-192.0.2.255, 255.0.0.0-255.255.255.255; "
                    + "from this node and Pods to one of 2, at random: 10.1.0.5:8080, 10.2.0.6:8080; "
                    + "only from 192.0.2.0-192.0.2.255, 255.0.0.0-255.255.255.255",
            ])
        #expect(
            dump.text(of: api).contains(
                "  [fd96::8]:80/TCP: cluster IP, to one of 1, kept for a client until it was idle for 60 s: "
                    + "[fd81::1]:8080"))
        #expect(dump.text().first == "shop/api")
    }

    @Test func `an element that somebody changed, one that is gone, and one of nobody`() throws {
        let ruleset = try ruleset()
        let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.7:80")!)
        let slot = TableLayout.key(key, number: 0)
        let listing = try #require(ruleset.listing(of: TableLayout.table, leavingOut: []))
        let present = try #require(listing.elements["endpoints4"]?.first { $0.key == slot })
        let other = NFElement(slot, .value(TableLayout.data(SocketAddress("10.9.9.9:1")!)))
        let gone = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.8:80")!)
        let stray = FrontendKey(transport: .udp, address: SocketAddress("10.96.0.9:53")!)
        let refusal = NFElement(TableLayout.key(stray), .value(TableLayout.data(treatment: 1)))
        let lost = try #require(listing.elements["frontends4"]?.first { $0.key == TableLayout.key(gone) })
        try ruleset.commit(
            NFTransaction(
                TableLayout.table,
                [
                    .deleteElements(set: "endpoints4", [present]), .addElements(set: "endpoints4", [other]),
                    .deleteElements(set: "frontends4", [lost]), .addElements(set: "frontends4", [refusal]),
                ]), expecting: nil)
        let dump = dump(ruleset)
        #expect(!dump.isSound() && !dump.isSound(of: web) && !dump.isSound(of: api))
        #expect(
            dump.text(of: web).contains(
                "  DIFFERS: 10.96.0.7:80/TCP: cluster IP, enforced otherwise; "
                    + "wanted: to one of 2, at random: 10.1.0.5:8080, 10.2.0.6:8080"))
        #expect(
            dump.text(of: web).contains { $0.hasPrefix("  10.96.0.7:80/TCP") && $0.contains("10.9.9.9:1") })
        #expect(
            dump.text(of: api).contains { $0.hasPrefix("  DIFFERS: 10.96.0.8:80/TCP: cluster IP, not enforced") })
        #expect(dump.text().suffix(2) == ["of no Service", "  DIFFERS: 10.96.0.9:53/UDP: refused"])
    }

    @Test func `a table that is not there, and one without a rule`() throws {
        let nothing = EnforcementDump(services, on: node, nodePorts: nil, nil)
        #expect(!nothing.isSound(of: web))
        #expect(nothing.text().first == "DIFFERS: there is no table inet martlet")
        let ruleset = try ruleset()
        try ruleset.commit(NFTransaction(TableLayout.table, [.flushChain("prerouting")]), expecting: nil)
        #expect(
            dump(ruleset).text().first?.hasPrefix("DIFFERS: the chain prerouting lacks the rule \"Services") == true)
        #expect(
            EnforcementDump([], on: node, nodePorts: nil, nil).text(of: web).last?.contains("does not exist") == true)
    }
}
