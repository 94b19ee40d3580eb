import Announcement
import KubeModel
import NetworkTypes
import Testing

@testable import DataPlane

@Suite("What is announced by whom") struct AnnouncementPlannerTests {
    let web = NamespacedName(namespace: "shop", name: "web")
    let all = Advertisement(NamespacedName(namespace: "metallb-system", name: "all"), .layer2)

    func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    /// A pool of 192.0.2.0/24 and three nodes.
    func planner(_ advertisements: Advertisement...) throws -> AnnouncementPlanner {
        var planner = AnnouncementPlanner()
        let pool = AnnouncedPool(
            .init(namespace: "metallb-system", name: "one"), labels: ["use": "edge"], addresses: ["192.0.2.0/24"])
        planner.pools[pool.reference] = pool
        for advertisement in advertisements {
            planner.advertisements[advertisement.method, default: [:]][advertisement.key] = advertisement
        }
        for name in ["a", "b", "c"] { planner.nodes[name] = AnnouncingNode(name: name, labels: ["name": name]) }
        planner.services[web] = AnnouncedService(uid: "u", addresses: [try address("192.0.2.1")])
        return planner
    }

    @Test func `an advertisement without a word announces every pool of its namespace from every node`() throws {
        let plan = try planner(all).plan()
        let entry = try #require(plan.entries.first)
        #expect(plan.entries.count == 1)
        #expect(plan.silences.isEmpty)
        #expect(entry.nodes == ["a", "b", "c"])
        #expect(entry.interfaces(on: "a") == .outer)
        #expect(entry.services.map(\.key) == [web])
        #expect(entry.pool.name == "one")
    }

    @Test func `nodes are rather taken by the weights of all preferences that select them, within each advertisement`()
        throws
    {
        func terms(_ name: String, _ nodes: [String], _ weights: [(Int, String)]) throws -> Advertisement {
            func selector(_ values: [String]) throws -> Selector {
                try Selector(
                    LabelSelector(matchExpressions: [
                        LabelSelector.Requirement(key: "name", operator: "In", values: values)
                    ]))
            }
            return Advertisement(
                NamespacedName(namespace: "metallb-system", name: name), .layer2, nodeSelectors: [try selector(nodes)],
                preferences: try weights.map { .init(weight: $0.0, nodes: try selector([$0.1])) })
        }
        let plan = try planner(
            try terms("one", ["a", "b"], [(60, "a"), (50, "a"), (10, "c")]), try terms("two", ["b", "a"], [(7, "a")]),
            try terms("three", ["c"], [])
        ).plan()
        // What an advertisement prefers of nodes that it does not select does not count.
        #expect(plan.entries.first?.scores == ["a": 117])
        #expect(plan.entries.first?.nodes == ["a", "b", "c"])

        let read = Advertisement(
            L2Advertisement(
                metadata: ObjectMeta(name: "x", namespace: "metallb-system"),
                spec: L2AdvertisementSpec(preferredNodeSelectors: [
                    PreferredNodeSelector(weight: 9, preference: LabelSelector(matchLabels: ["name": "a"]))
                ])))
        #expect(read?.score(of: AnnouncingNode(name: "a", labels: ["name": "a"])) == 9)
        #expect(read?.score(of: AnnouncingNode(name: "b", labels: ["name": "b"])) == 0)
    }

    @Test func `pools say how much of them is in use, under MetalLB's names`() {
        let theirs = IPAddressPool(
            metadata: ObjectMeta(name: "edge", namespace: "metallb-system"),
            status: IPAddressPoolStatus(assignedIPv4: 2, assignedIPv6: 1, availableIPv4: 8, availableIPv6: .max))
        let ours = AddressPool(metadata: ObjectMeta(name: "wire"), status: AddressPoolStatus(total: 5, allocated: 3))
        var uses: [AnnouncementPlan.PoolReference: PoolUse] = [:]
        uses[.init(namespace: "metallb-system", name: "edge")] = PoolUse(theirs)
        uses[.init(namespace: nil, name: "wire")] = PoolUse(ours)
        let lines = AnnouncementMetrics.text(uses).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            lines == [
                #"metallb_allocator_addresses_in_use_total{pool="edge"} 3"#,
                #"metallb_allocator_addresses_in_use_total{pool="wire"} 3"#,
                #"metallb_allocator_addresses_total{pool="edge"} 9223372036854775807"#,
                #"metallb_allocator_addresses_total{pool="wire"} 5"#,
            ])
    }

    @Test func `what is announced and said on the network is counted by address, under MetalLB's names`() throws {
        let ip = try address("192.0.2.1")
        var counts = Layer2Answerer.Counts()
        (counts.requests, counts.responses, counts.gratuitous) = (7, 6, 5)
        var snapshot = Layer2Speaker.Snapshot()
        (snapshot.counts, snapshot.crowded) = ([ip: counts], 1)
        let page = AnnouncementMetrics.text(try planner(all).plan().entries, snapshot, node: "a")
        #expect(
            page.split(separator: "\n").filter { !$0.hasPrefix("#") } == [
                #"metallb_speaker_announced{service="\#(web)",protocol="layer2",node="a",ip="192.0.2.1"} 1"#,
                #"metallb_layer2_requests_received{ip="192.0.2.1"} 7"#,
                #"metallb_layer2_responses_sent{ip="192.0.2.1"} 6"#,
                #"metallb_layer2_gratuitous_sent{ip="192.0.2.1"} 5"#, "martlet_layer2_crowded_total 1",
            ])
    }

    @Test func `a pool that no advertisement names is not announced, and neither is an address of none`() throws {
        var planner = try planner(
            Advertisement(NamespacedName(namespace: "metallb-system", name: "other"), .layer2, pools: ["two"]),
            Advertisement(NamespacedName(namespace: "elsewhere", name: "all"), .layer2))
        planner.services[web]?.addresses.append(try address("198.51.100.1"))
        let plan = planner.plan()
        #expect(plan.entries.isEmpty)
        #expect(
            plan.silences.map(\.reason) == [
                .noAdvertisement(.init(namespace: "metallb-system", name: "one")), .noPool,
            ])
        #expect(plan.silences[0].reason.description == "no advertisement names IPAddressPool metallb-system/one")
    }

    @Test func `an address that never leaves its machine is not announced`() throws {
        var planner = try planner(all)
        let pool = AnnouncedPool(.init(namespace: nil, name: "local"), addresses: ["127.97.0.0/24"])
        planner.pools[pool.reference] = pool
        planner.services[web]?.addresses = [try address("127.97.0.1")]
        let plan = planner.plan()
        #expect(plan.entries.isEmpty)
        #expect(plan.silences.map(\.reason) == [.loopback])
    }

    @Test func `a pool of ours has no namespace, and is named or meant by every advertisement`() throws {
        var planner = try planner(all)
        planner.pools = [:]
        let pool = AnnouncedPool(.init(namespace: nil, name: "ours"), addresses: ["192.0.2.1-192.0.2.9"])
        planner.pools[pool.reference] = pool
        #expect(planner.plan().entries.map(\.pool) == [pool.reference])
    }

    @Test func `pools are chosen by labels, nodes and Services too, and interfaces by name`() throws {
        let edge = Advertisement(
            NamespacedName(namespace: "metallb-system", name: "edge"), .layer2,
            poolSelectors: [try Selector(parsing: "use=edge")],
            nodeSelectors: [try Selector(parsing: "name=a"), try Selector(parsing: "name=b")],
            serviceSelectors: [try Selector(parsing: "tier=front")], interfaces: ["eth1"])
        let more = Advertisement(
            NamespacedName(namespace: "metallb-system", name: "more"), .layer2,
            nodeSelectors: [try Selector(parsing: "name=b")], interfaces: ["eth2"])
        var planner = try planner(edge)
        #expect(planner.plan().silences.map(\.reason).count == 1)
        planner.services[web]?.labels = ["tier": "front"]
        planner.advertisements[.layer2]?[more.key] = more
        let entry = try #require(planner.plan().entries.first)
        #expect(entry.nodes == ["a", "b"])
        #expect(entry.interfaces(on: "a") == .named(["eth1"]))
        #expect(entry.interfaces(on: "b") == .named(["eth1", "eth2"]))
        #expect(entry.interfaces(on: "c") == nil)
    }

    @Test func `nodes that are not fit do not announce, and a cordoned one only what nobody else can`() throws {
        var planner = try planner(all)
        planner.nodes["a"]?.isFit = false
        planner.nodes["b"]?.isCordoned = true
        #expect(planner.plan().entries.first?.nodes == ["c"])
        planner.nodes["c"]?.isFit = false
        #expect(planner.plan().entries.first?.nodes == ["b"])
        planner.nodes["b"]?.isFit = false
        let plan = planner.plan()
        #expect(plan.entries.isEmpty)
        #expect(plan.silences.first?.method == .layer2)
        #expect(plan.silences.first?.reason.description.contains("a, b, c") == true)
    }

    @Test func `the policy Local follows ready endpoints`() throws {
        var planner = try planner(all)
        planner.services[web]?.localNodes = [.v4: ["b"], .v6: ["c"]]
        #expect(planner.plan().entries.first?.nodes == ["b"])
        planner.services[web]?.localNodes = [:]
        #expect(planner.plan().silences.first?.reason.description.hasPrefix("externalTrafficPolicy is Local") == true)
        planner.services[web]?.readyFamilies = [.v6]
        #expect(planner.plan().silences.first?.reason == .noEndpoints)
    }

    @Test func `Services that share an address are announced together, from where all of them are served`() throws {
        var planner = try planner(all)
        let mail = NamespacedName(namespace: "shop", name: "mail")
        planner.services[mail] = AnnouncedService(addresses: [try address("192.0.2.1")], localNodes: [.v4: ["c"]])
        let plan = planner.plan()
        #expect(plan.entries.count == 1)
        #expect(plan.entries.first?.services.map(\.key) == [mail, web])
        #expect(plan.entries.first?.nodes == ["c"])
        planner.services[web]?.localNodes = [.v4: ["a"]]
        #expect(planner.plan().entries.first?.nodes == ["a", "c"])
    }

    @Test func `both ways of announcing stand beside each other`() throws {
        let routers = Advertisement(NamespacedName(namespace: "metallb-system", name: "routers"), .bgp)
        let plan = try planner(all, routers).plan()
        #expect(plan.entries.map(\.method) == [.layer2, .bgp])
        #expect(Array(plan.entries(.bgp)).map { $0.terms.map(\.advertisement) } == [[routers.key]])
    }

    @Test func `a node is fit when it is ready, has a network and is not excluded`() {
        func node(_ conditions: [Condition], _ labels: [String: String] = [:], cordoned: Bool? = nil) -> AnnouncingNode
        {
            AnnouncingNode(
                Node(
                    metadata: ObjectMeta(name: "a", labels: labels), spec: NodeSpec(unschedulable: cordoned),
                    status: NodeStatus(conditions: conditions)))
        }
        #expect(node([]).isFit)
        #expect(node([Condition(type: "Ready", status: "True", reason: "", message: "")]).isFit)
        #expect(!node([Condition(type: "Ready", status: "Unknown", reason: "", message: "")]).isFit)
        #expect(!node([Condition(type: "NetworkUnavailable", status: "True", reason: "", message: "")]).isFit)
        #expect(!node([], ["node.kubernetes.io/exclude-from-external-load-balancers": ""]).isFit)
        #expect(node([], cordoned: true).isCordoned)
    }
}
