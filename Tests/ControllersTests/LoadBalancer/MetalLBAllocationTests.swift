import KubeModel
import NetworkTypes
import Testing

@testable import Controllers

/// What users of MetalLB know of its allocation, rule by rule.
@Suite("Allocation as users of MetalLB know it") struct MetalLBAllocationTests {
    private var planner = LoadBalancerPlanner()

    private static func pool(
        _ name: String, _ addresses: String..., auto: Bool? = nil, avoid: Bool? = nil,
        allocation: PoolServiceAllocation? = nil
    ) -> PoolAddresses {
        PoolAddresses(
            IPAddressPool(
                metadata: ObjectMeta(name: name, namespace: "metallb-system"),
                spec: IPAddressPoolSpec(
                    addresses: addresses, autoAssign: auto, avoidBuggyIPs: avoid, serviceAllocation: allocation)))
    }

    private static func request(
        _ name: String = "web", _ annotations: [String: String] = [:], current: [String] = [],
        namespaceLabels: [String: String] = [:], created: Int64 = 0, change: (inout Service) -> Void = { _ in }
    ) throws -> LoadBalancerRequest {
        let service = Sample.service(name) { service in
            service.spec?.type = "LoadBalancer"
            service.metadata.annotations = annotations
            service.metadata.creationTimestamp = Timestamp(secondsSinceEpoch: created)
            service.status = ServiceStatus(
                loadBalancer: LoadBalancerStatus(ingress: current.map { LoadBalancerIngress(ip: $0) }))
            change(&service)
        }
        return try #require(
            LoadBalancerRequest(service, loadBalancerClass: "ours", namespaceLabels: namespaceLabels))
    }

    /// Decides, and does what was decided.
    private mutating func give(_ request: LoadBalancerRequest) -> String {
        planner.note(request, for: request.key)
        switch planner.decide(request) {
        case .keep: return "keep"
        case .assign(let addresses, let pool):
            planner.promise(addresses, to: request)
            return "\(pool): " + addresses.map(\.description).joined(separator: ",")
        case .refuse(let reason, _): return reason
        }
    }

    // MARK: Which pool

    private static func namespaces(_ names: String..., priority: Int? = nil) -> PoolServiceAllocation {
        PoolServiceAllocation(priority: priority, namespaces: names)
    }

    @Test mutating func `pools for some come before pools for all, and low numbers before high ones and none`() throws {
        planner.replacePools([
            Self.pool("a-all", "192.0.2.1/32"),
            Self.pool("b-none", "192.0.2.2/32", allocation: Self.namespaces("shop")),
            Self.pool("c-zero", "192.0.2.3/32", allocation: Self.namespaces("shop", priority: 0)),
            Self.pool("d-high", "192.0.2.4/32", allocation: Self.namespaces("shop", priority: 50)),
            Self.pool("e-low", "192.0.2.5/32", allocation: Self.namespaces("shop", priority: 3)),
            Self.pool("f-other", "192.0.2.6/32", allocation: Self.namespaces("other", priority: 1)),
            Self.pool("g-manual", "192.0.2.7/32", auto: false, allocation: Self.namespaces("shop", priority: 1)),
        ])
        for expected in [
            "e-low: 192.0.2.5", "d-high: 192.0.2.4", "b-none: 192.0.2.2", "c-zero: 192.0.2.3", "a-all: 192.0.2.1",
            "no available IPs",
        ] {
            #expect(give(try Self.request("s-\(expected.prefix(6))")) == expected)
        }
    }

    @Test(
        arguments: [
            (PoolServiceAllocation(namespaces: ["shop"]), true), (PoolServiceAllocation(namespaces: ["x"]), false),
            (PoolServiceAllocation(), true),
            (
                PoolServiceAllocation(
                    namespaces: ["x"], namespaceSelectors: [LabelSelector(matchLabels: ["team": "a"])]), true
            ),
            (PoolServiceAllocation(namespaceSelectors: [LabelSelector(matchLabels: ["team": "b"])]), false),
            (PoolServiceAllocation(serviceSelectors: [LabelSelector(matchLabels: ["tier": "front"])]), true),
            (
                PoolServiceAllocation(serviceSelectors: [
                    LabelSelector(matchLabels: ["tier": "back"]), LabelSelector(matchLabels: ["tier": "front"]),
                ]), true
            ),
            (
                PoolServiceAllocation(
                    namespaces: ["x"], serviceSelectors: [LabelSelector(matchLabels: ["tier": "front"])]), false
            ),
            (
                PoolServiceAllocation(serviceSelectors: [
                    LabelSelector(matchExpressions: [.init(key: "tier", operator: "Odd")])
                ]), false
            ),
        ])
    mutating func `a pool takes whom its namespaces and its selectors take`(
        allocation: PoolServiceAllocation, isOpen: Bool
    ) throws {
        planner.replacePools([Self.pool("a", "192.0.2.1/32", allocation: allocation)])
        let request = try Self.request(namespaceLabels: ["team": "a"]) { $0.metadata.labels = ["tier": "front"] }
        #expect(
            give(request)
                == (isOpen
                    ? "a: 192.0.2.1" : "no available IPs: no pool assigns addresses to this Service automatically"))
        let asking = try Self.request("asks", ["metallb.io/address-pool": "a"], namespaceLabels: ["team": "a"]) {
            $0.metadata.labels = ["tier": "front"]
        }
        #expect(
            give(asking)
                == (isOpen
                    ? "no available IPs in pool \"a\" for ipv4 IPFamily" : "pool a not compatible for ip assignment"))
    }

    @Test(arguments: ["metallb.io", "metallb.universe.tf", "traffic.martlet.dev"])
    mutating func `a pool is asked for by name, in every spelling`(prefix: String) throws {
        planner.replacePools([Self.pool("a", "192.0.2.1/32"), Self.pool("b", "192.0.2.2/32", auto: false)])
        #expect(give(try Self.request("web", ["\(prefix)/address-pool": "b"])) == "b: 192.0.2.2")
        #expect(give(try Self.request("x", ["\(prefix)/address-pool": "z"])) == "unknown pool \"z\"")
    }

    // MARK: Which address

    @Test mutating func `addresses that confuse old equipment are left out on request, and then nobody gets them`()
        throws
    {
        planner.replacePools([Self.pool("a", "192.0.2.254-192.0.3.1", avoid: true)])
        let asking = try Self.request("asks", ["metallb.io/loadBalancerIPs": "192.0.2.255"])
        #expect(give(asking) == "[\"192.0.2.255\"] is not allowed in config")
        #expect(give(try Self.request("one")) == "a: 192.0.2.254")
        #expect(give(try Self.request("two")) == "a: 192.0.3.1")
        #expect(give(try Self.request("three")) == "no available IPs")
        #expect(planner.pools[0].capacity(.v4) == 2)
        planner = LoadBalancerPlanner(pools: [Self.pool("a", "192.0.2.0/24")])
        #expect(give(try Self.request("zero")) == "a: 192.0.2.0")
    }

    @Test mutating func `a requested address has to be in a pool, open, of the family and free`() throws {
        planner.replacePools([
            Self.pool("a", "192.0.2.0/28", auto: false),
            Self.pool("x", "198.51.100.1/32", allocation: Self.namespaces("o")),
            Self.pool("six", "fd00::/64"),
        ])
        func asking(_ list: String, _ more: [String: String] = [:], single: String? = nil) throws -> LoadBalancerRequest
        {
            var annotations = more
            annotations["metallb.io/loadBalancerIPs"] = list
            return try Self.request("web", annotations) { $0.spec?.loadBalancerIP = single }
        }
        #expect(give(try asking("192.0.2.5")) == "a: 192.0.2.5")
        #expect(give(try asking("203.0.113.9")) == "[\"203.0.113.9\"] is not allowed in config")
        #expect(give(try asking("198.51.100.1")) == "pool x not compatible for ip assignment")
        #expect(
            give(try asking("fd00::1"))
                == "requested loadBalancer IP(s) [\"fd00::1\"] does not match the ipFamily of the service")
        #expect(
            give(try asking("192.0.2.5", ["metallb.io/address-pool": "six"]))
                == "requested loadBalancer IP(s) [\"192.0.2.5\"] is not compatible with requested address pool six")
        #expect(give(try asking("192.0.2.5,x")) == "invalid metallb.io/loadBalancerIPs: \"192.0.2.5,x\"")
        #expect(
            give(try asking("192.0.2.5", single: "192.0.2.5"))
                == "service can not have both metallb.io/loadBalancerIPs and svc.Spec.LoadBalancerIP")
        #expect(give(try Self.request("old") { $0.spec?.loadBalancerIP = "192.0.2.7" }) == "a: 192.0.2.7")
        #expect(
            give(try Self.request("third", ["metallb.universe.tf/loadBalancerIPs": "192.0.2.7"]))
                == "can't change sharing key for \"shop/third\", address also in use by shop/old")
    }

    @Test mutating func `a Service may ask for several addresses, of both families and of one`() throws {
        planner.replacePools([Self.pool("four", "192.0.2.0/28"), Self.pool("six", "fd00::/64")])
        func dual(_ name: String, _ list: String, _ policy: String = "RequireDualStack") throws -> LoadBalancerRequest {
            try Self.request(name, ["metallb.io/loadBalancerIPs": list]) { service in
                service.spec?.ipFamilies = ["IPv4", "IPv6"]
                service.spec?.ipFamilyPolicy = policy
            }
        }
        #expect(give(try dual("a", "192.0.2.1, fd00::1")) == "four: 192.0.2.1,fd00::1")
        #expect(give(try dual("b", "192.0.2.2,192.0.2.3,fd00::2")) == "four: 192.0.2.2,192.0.2.3,fd00::2")
        #expect(
            give(try dual("c", "192.0.2.4"))
                == "requested loadBalancer IP(s) [\"192.0.2.4\"] does not match the ipFamily of the service")
        #expect(give(try dual("d", "192.0.2.4", "PreferDualStack")) == "four: 192.0.2.4")
        let many = (0..<17).map { "fd00::\($0)" }.joined(separator: ",")
        #expect(give(try dual("e", many)).contains("has 17 addresses; a Service has at most 16"))
    }

    @Test mutating func `two families come from one pool where one has both, and else from several`() throws {
        func dual(_ name: String, _ policy: String, current: [String] = []) throws -> LoadBalancerRequest {
            try Self.request(name, current: current) { service in
                service.spec?.ipFamilies = ["IPv6", "IPv4"]
                service.spec?.ipFamilyPolicy = policy
            }
        }
        planner.replacePools([
            Self.pool("a", "192.0.2.1/32"), Self.pool("b", "fd00::1/128"),
            Self.pool("c", "192.0.2.9/32", "fd00::9/128"),
        ])
        #expect(give(try dual("one", "RequireDualStack")) == "c: fd00::9,192.0.2.9")
        #expect(give(try dual("two", "RequireDualStack")) == "a: fd00::1,192.0.2.1")
        #expect(give(try dual("three", "RequireDualStack")) == "no available IPs")
        // One that prefers both has one, until there is another.
        planner = LoadBalancerPlanner(pools: [Self.pool("a", "192.0.2.1/32")])
        #expect(give(try dual("one", "PreferDualStack")) == "a: 192.0.2.1")
        #expect(give(try dual("one", "PreferDualStack", current: ["192.0.2.1"])) == "keep")
        planner.replacePools([Self.pool("a", "192.0.2.1/32"), Self.pool("b", "fd00::1/128")])
        #expect(give(try dual("one", "PreferDualStack", current: ["192.0.2.1"])) == "a: fd00::1,192.0.2.1")
    }

    // MARK: Sharing

    private static func sharing(
        _ name: String, _ key: String?, _ ports: [(String, Int)], policy: String = "Cluster",
        selector: [String: String] = ["app": "web"], current: [String] = [], asking: String? = nil
    ) throws -> LoadBalancerRequest {
        var annotations: [String: String] = [:]
        annotations["metallb.io/allow-shared-ip"] = key
        annotations["metallb.io/loadBalancerIPs"] = asking
        return try request(name, annotations, current: current) { service in
            service.spec?.ports = ports.map { ServicePort(protocol: $0.0, port: $0.1) }
            service.spec?.externalTrafficPolicy = policy
            service.spec?.selector = selector
        }
    }

    static let shared: [(String, String?, [(String, Int)], String, [String: String], String)] = [
        ("another protocol", "k", [("UDP", 53)], "Cluster", ["app": "x"], "a: 192.0.2.1"),
        ("another port", "k", [("TCP", 54)], "Cluster", ["app": "x"], "a: 192.0.2.1"),
        (
            "the same port", "k", [("TCP", 53)], "Cluster", ["app": "x"],
            "port TCP/53 is already in use on \"192.0.2.1\""
        ),
        (
            "one of several ports", "k", [("TCP", 80), ("TCP", 53)], "Cluster", [:],
            "port TCP/53 is already in use on \"192.0.2.1\""
        ),
        (
            "another key", "l", [("TCP", 54)], "Cluster", [:],
            "can't change sharing key for \"shop/web\", address also in use by shop/first"
        ),
        (
            "no key", nil, [("TCP", 54)], "Cluster", [:],
            "can't change sharing key for \"shop/web\", address also in use by shop/first"
        ),
        (
            "local traffic of other Pods", "k", [("TCP", 54)], "Local", ["app": "x"],
            "can't change sharing key for \"shop/web\", address also in use by shop/first"
        ),
        ("local traffic of no Pods in particular", "k", [("TCP", 54)], "Local", [:], "a: 192.0.2.1"),
    ]

    @Test(arguments: shared)
    mutating func `an address is shared by key, by ports and by what is behind local traffic`(
        name: String, key: String?, ports: [(String, Int)], policy: String, selector: [String: String], outcome: String
    ) throws {
        planner.replacePools([Self.pool("a", "192.0.2.1/32")])
        #expect(give(try Self.sharing("first", "k", [("TCP", 53)])) == "a: 192.0.2.1")
        let second = try Self.sharing("web", key, ports, policy: policy, selector: selector, asking: "192.0.2.1")
        #expect(give(second) == outcome, "\(name)")
    }

    @Test mutating func `Services that keep traffic on the node share with those of the same Pods`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/28")])
        #expect(give(try Self.sharing("one", "k", [("TCP", 1)], policy: "Local")) == "a: 192.0.2.0")
        #expect(give(try Self.sharing("two", "k", [("TCP", 2)], policy: "Local")) == "a: 192.0.2.0")
        #expect(give(try Self.sharing("three", "k", [("TCP", 3)])) == "a: 192.0.2.1")
    }

    @Test mutating func `who shares gets the lowest address with room, shared or unused`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/28")])
        #expect(give(try Self.request("alone")) == "a: 192.0.2.0")
        #expect(give(try Self.sharing("one", "k", [("TCP", 1)])) == "a: 192.0.2.1")
        #expect(give(try Self.sharing("two", "k", [("TCP", 1)])) == "a: 192.0.2.2")
        #expect(give(try Self.sharing("three", "k", [("TCP", 2)])) == "a: 192.0.2.1")
        #expect(give(try Self.sharing("four", "k", [("TCP", 2)])) == "a: 192.0.2.2")
        planner.note(nil, for: NamespacedName(namespace: "shop", name: "alone"))
        #expect(give(try Self.sharing("five", "k", [("TCP", 3)])) == "a: 192.0.2.0")
        planner.note(nil, for: NamespacedName(namespace: "shop", name: "three"))
        #expect(give(try Self.sharing("six", "k", [("TCP", 2), ("TCP", 3)])) == "a: 192.0.2.1")
        // The first to come back finds its address again, sharing key or not, when nobody else is there.
        let only = try Self.sharing("five", nil, [("TCP", 3)], current: ["192.0.2.0"])
        #expect(give(only) == "keep")
    }

    // MARK: Pools that change

    @Test mutating func `a pool that is moved, shrunk, closed or deleted takes nothing away`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/28")])
        let from = "metallb.io/ip-allocated-from-pool"
        let web = try Self.request("web", [from: "a"], current: ["192.0.2.1"])
        let asking = try Self.request("asks", [from: "a", "metallb.io/address-pool": "a"], current: ["192.0.2.2"])
        let exact = try Self.request("exact", ["metallb.io/loadBalancerIPs": "192.0.2.3"], current: ["192.0.2.3"])
        for pools in [
            [Self.pool("a", "192.0.2.8/29")], [], [Self.pool("b", "192.0.2.0/28")],
            [Self.pool("a", "192.0.2.0/28", allocation: Self.namespaces("other"))],
            [Self.pool("a", "192.0.2.0/28", auto: false, avoid: true)],
        ] {
            planner.replacePools(pools)
            for request in [web, asking, exact] { #expect(give(request) == "keep") }
        }
        planner.replacePools([Self.pool("a", "192.0.2.8/29")])
        #expect(planner.leftBehind["a"] == [web.key, asking.key])
        // Nobody else gets them when they come back.
        planner.replacePools([Self.pool("a", "192.0.2.1-192.0.2.4")])
        #expect(planner.leftBehind.isEmpty)
        #expect(give(try Self.request("new")) == "a: 192.0.2.4")
    }

    @Test mutating func `a Service that changes its mind moves`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/28"), Self.pool("b", "198.51.100.0/28", auto: false)])
        let from = "metallb.io/ip-allocated-from-pool"
        #expect(
            give(try Self.request("web", [from: "a", "metallb.io/address-pool": "b"], current: ["192.0.2.1"]))
                == "b: 198.51.100.0")
        #expect(
            give(try Self.request("x", [from: "a", "metallb.io/loadBalancerIPs": "192.0.2.9"], current: ["192.0.2.2"]))
                == "a: 192.0.2.9")
        // What it asks for and can't get it does not lose what it has for, when nobody can say what it wants.
        #expect(
            planner.decide(try Self.request("y", ["metallb.io/loadBalancerIPs": "x"], current: ["192.0.2.3"]))
                == .refuse("invalid metallb.io/loadBalancerIPs: \"x\"", withdraws: false))
    }

    @Test mutating func `of two that have the same address the older keeps it, and a share is no theft`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/28")])
        let old = try Self.request("old", current: ["192.0.2.0"], created: 1)
        let young = try Self.request("young", current: ["192.0.2.0"], created: 2)
        for request in [old, young] { planner.note(request, for: request.key) }
        #expect(give(old) == "keep")
        #expect(give(young) == "a: 192.0.2.1")
    }

    @Test mutating func `use and capacity are counted by family`() throws {
        planner.replacePools([Self.pool("a", "192.0.2.0/24", "fd00::/120", avoid: true), Self.pool("b", "fd01::/64")])
        #expect(planner.pools[0].capacity(.v4) == 254)
        #expect(planner.pools[0].capacity(.v6) == 256)
        #expect(planner.pools[1].capacity(.v6) == Int64.max)
        _ = give(try Self.sharing("one", "k", [("TCP", 1)]))
        _ = give(try Self.sharing("two", "k", [("TCP", 2)]))
        #expect(planner.use(of: planner.pools[0].id) == LoadBalancerPlanner.Use(v4: 1, v6: 0))
        planner.note(nil, for: NamespacedName(namespace: "shop", name: "one"))
        #expect(planner.use(of: planner.pools[0].id) == LoadBalancerPlanner.Use(v4: 1, v6: 0))
        planner.note(nil, for: NamespacedName(namespace: "shop", name: "two"))
        #expect(planner.use(of: planner.pools[0].id) == LoadBalancerPlanner.Use())
    }

    @Test func `pools of ours have reserved addresses, which are given to those who ask`() throws {
        var planner = LoadBalancerPlanner(pools: [
            PoolAddresses(
                AddressPool(
                    metadata: ObjectMeta(name: "p"),
                    spec: AddressPoolSpec(
                        addresses: ["192.0.2.0/29"], reservedAddresses: ["192.0.2.1-192.0.2.2", "192.0.2.7"])))
        ])
        #expect(planner.pools[0].choosable.map(\.description) == ["192.0.2.0", "192.0.2.3-192.0.2.6"])
        let pool = planner.pools[0].name
        let any = try Self.request()
        let third = try #require(IPAddress("192.0.2.3"))
        #expect(planner.decide(any) == .assign([third], pool: pool))
        let asking = try Self.request("asks", ["metallb.io/loadBalancerIPs": "192.0.2.7"])
        #expect(planner.decide(asking) == .assign(asking.addresses, pool: pool))
    }
}
