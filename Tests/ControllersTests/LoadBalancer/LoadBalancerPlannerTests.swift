import KubeModel
import NetworkTypes
import Testing

@testable import Controllers

@Suite("Services get addresses from pools") struct LoadBalancerPlannerTests {
    private func pool(
        _ name: String, _ addresses: String..., auto: Bool? = nil, namespaces: [String]? = nil
    ) -> PoolAddresses {
        PoolAddresses(
            AddressPool(
                metadata: ObjectMeta(name: name),
                spec: AddressPoolSpec(addresses: addresses, autoAssign: auto, serviceNamespaces: namespaces)))
    }

    private func request(
        _ name: String = "web", current: [String] = [], annotations: [String: String] = [:], created: Int64 = 0,
        change: (inout Service) -> Void = { _ in }
    ) throws -> LoadBalancerRequest {
        let service = Sample.service(name) { service in
            service.spec?.type = "LoadBalancer"
            service.metadata.annotations = annotations
            service.metadata.creationTimestamp = Timestamp(secondsSinceEpoch: created)
            service.status = ServiceStatus(
                loadBalancer: LoadBalancerStatus(ingress: current.map { LoadBalancerIngress(ip: $0) }))
            change(&service)
        }
        return try #require(LoadBalancerRequest(service, loadBalancerClass: "ours"))
    }

    private func decide(
        _ request: LoadBalancerRequest, _ pools: [PoolAddresses], _ others: [LoadBalancerRequest] = []
    ) -> String {
        var planner = LoadBalancerPlanner(pools: pools)
        for other in others + [request] { planner.note(other, for: other.key) }
        switch planner.decide(request) {
        case .keep: return "keep"
        case .assign(let addresses, let pool):
            return "\(pool): " + addresses.map(\.description).joined(separator: ",")
        case .refuse(let reason, let withdraws): return withdraws ? reason : "left: " + reason
        }
    }

    @Test func `pools are read from prefixes ranges and addresses`() {
        let pool = pool("p", "192.0.2.0/30", "192.0.2.2-192.0.2.9", "198.51.100.1", "nonsense", "fd00::/64")
        #expect(pool.invalid == ["nonsense"])
        #expect(pool.ranges.count == 3)
        #expect(pool.capacity(.v4) == 11)
        #expect(pool.capacity(.v6) == Int64.max)
    }

    @Test func `the first free address of the first pool is taken`() throws {
        let pools = [pool("b", "198.51.100.1"), pool("a", "192.0.2.1-192.0.2.2")]
        #expect(decide(try request(), pools) == "a: 192.0.2.1")
        let one = try request("one", current: ["192.0.2.1"])
        let two = try request("two", current: ["192.0.2.2"])
        let three = try request("three", current: ["198.51.100.1"])
        #expect(decide(try request(), pools, [one]) == "a: 192.0.2.2")
        #expect(decide(try request(), pools, [one, two]) == "b: 198.51.100.1")
        #expect(decide(try request(), pools, [one, two, three]) == "no available IPs")
        #expect(decide(try request(), []) == "no available IPs: there is no IPAddressPool or AddressPool")
    }

    @Test func `what a Service has it keeps`() throws {
        let pools = [pool("a", "192.0.2.0/28")]
        #expect(decide(try request(current: ["192.0.2.9"]), pools) == "keep")
    }

    @Test func `the ends of an old class are given only to those that ask for them`() throws {
        let network = [pool("a", "192.0.2.0/32"), pool("b", "198.51.100.254/31"), pool("c", "203.0.113.0/31")]
        #expect(decide(try request(), [network[2]]) == "c: 203.0.113.1")
        let full = try request("full", current: ["203.0.113.1"])
        #expect(decide(try request(), [network[2]], [full]) == "no available IPs")
        let asking = try request(annotations: [LoadBalancerAnnotation.addresses: "203.0.113.0"])
        #expect(decide(asking, [network[2]], [full]) == "c: 203.0.113.0")
        // Named one by one they are meant.
        #expect(decide(try request(), [network[0]]) == "a: 192.0.2.0")
        #expect(decide(try request(), [pool("d", "203.0.113.255-203.0.113.255")]) == "d: 203.0.113.255")
        let first = try request("first", current: ["198.51.100.254"])
        #expect(decide(try request(), [network[1]], [first]) == "no available IPs")
    }

    @Test func `pools may be closed to namespaces or to automatic use`() throws {
        let closed = pool("a", "192.0.2.1", namespaces: ["other"])
        let manual = pool("b", "192.0.2.2", auto: false)
        let open = pool("c", "192.0.2.3", namespaces: ["shop"])
        #expect(decide(try request(), [closed, manual, open]) == "c: 192.0.2.3")
        #expect(
            decide(try request(), [closed, manual])
                == "no available IPs: no pool assigns addresses to this Service automatically")
        let chosen = ["traffic.martlet.dev/address-pool": "b"]
        #expect(decide(try request(annotations: chosen), [closed, manual, open]) == "b: 192.0.2.2")
        #expect(
            decide(try request(annotations: ["traffic.martlet.dev/address-pool": "a"]), [closed])
                == "pool a not compatible for ip assignment")
        #expect(
            decide(try request(annotations: ["traffic.martlet.dev/address-pool": "z"]), [open])
                == "unknown pool \"z\"")
        // A change of mind moves the Service.
        #expect(decide(try request(current: ["192.0.2.3"], annotations: chosen), [manual, open]) == "b: 192.0.2.2")
    }

    @Test func `requested addresses are given or refused with the reason`() throws {
        let pools = [pool("a", "192.0.2.0/28", auto: false), pool("x", "198.51.100.1", namespaces: ["other"])]
        func wants(_ address: String, current: [String] = []) throws -> LoadBalancerRequest {
            try request(current: current) { $0.spec?.loadBalancerIP = address }
        }
        #expect(decide(try wants("192.0.2.5"), pools) == "a: 192.0.2.5")
        #expect(decide(try wants("192.0.2.5", current: ["192.0.2.4"]), pools) == "a: 192.0.2.5")
        #expect(decide(try wants("192.0.2.5", current: ["192.0.2.5"]), pools) == "keep")
        #expect(decide(try wants("203.0.113.1"), pools) == "[\"203.0.113.1\"] is not allowed in config")
        #expect(decide(try wants("198.51.100.1"), pools) == "pool x not compatible for ip assignment")
        #expect(decide(try wants("nonsense"), pools) == "left: invalid spec.loadBalancerIP \"nonsense\"")
        #expect(
            decide(try wants("fd00::1"), pools)
                == "requested loadBalancer IP(s) [\"fd00::1\"] does not match the ipFamily of the service")
        let holder = try request("other", current: ["192.0.2.5"])
        #expect(
            decide(try wants("192.0.2.5"), pools, [holder])
                == "can't change sharing key for \"shop/web\", address also in use by shop/other")
        let annotated = try request(annotations: [LoadBalancerAnnotation.addresses: "192.0.2.7"]) {
            $0.spec?.loadBalancerIP = "192.0.2.5"
        }
        #expect(decide(annotated, pools) == "a: 192.0.2.7")
    }

    @Test func `an address is shared only by key and with other ports`() throws {
        let pools = [pool("a", "192.0.2.1-192.0.2.2")]
        let key = ["traffic.martlet.dev/allow-shared-ip": "k"]
        let holder = try request("dns", current: ["192.0.2.1"], annotations: key) {
            $0.spec?.ports = [ServicePort(protocol: "UDP", port: 80)]
        }
        #expect(decide(try request(annotations: key), pools, [holder]) == "a: 192.0.2.1")
        #expect(decide(try request(), pools, [holder]) == "a: 192.0.2.2")
        let samePort = try request("same", annotations: key) {
            $0.spec?.ports = [ServicePort(protocol: "UDP", port: 80)]
        }
        #expect(decide(samePort, pools, [holder]) == "a: 192.0.2.2")
        // Traffic that stays on the node needs the same Pods there.
        let local = try request(annotations: key) {
            $0.spec?.externalTrafficPolicy = "Local"
            $0.spec?.selector = ["app": "web"]
        }
        #expect(decide(local, pools, [holder]) == "a: 192.0.2.2")
    }

    @Test func `of two holders the older keeps the address`() throws {
        let pools = [pool("a", "192.0.2.0/28")]
        let old = try request("old", current: ["192.0.2.0"], created: 1)
        let young = try request("young", current: ["192.0.2.0"], created: 2)
        #expect(decide(old, pools, [young]) == "keep")
        #expect(decide(young, pools, [old]) == "a: 192.0.2.1")
    }

    @Test func `dual stack Services get an address of each family`() throws {
        let both = pool("both", "192.0.2.1", "fd00::1")
        let only4 = pool("aa", "192.0.2.9")
        func dual(_ policy: String, current: [String] = []) throws -> LoadBalancerRequest {
            try request(current: current) { service in
                service.spec?.ipFamilies = ["IPv4", "IPv6"]
                service.spec?.ipFamilyPolicy = policy
            }
        }
        #expect(decide(try dual("RequireDualStack"), [only4, both]) == "both: 192.0.2.1,fd00::1")
        #expect(decide(try dual("RequireDualStack"), [only4]) == "no available IPs")
        #expect(decide(try dual("PreferDualStack"), [only4]) == "aa: 192.0.2.9")
        #expect(decide(try dual("PreferDualStack", current: ["192.0.2.9"]), [only4]) == "keep")
        #expect(decide(try dual("RequireDualStack", current: ["192.0.2.1"]), [both]) == "both: 192.0.2.1,fd00::1")
    }

    @Test(arguments: [("ClusterIP", nil), ("NodePort", nil), ("LoadBalancer", "theirs")] as [(String, String?)])
    func `other Services ask for nothing`(type: String, ownerClass: String?) {
        let service = Sample.service { service in
            service.spec?.type = type
            service.spec?.loadBalancerClass = ownerClass
        }
        #expect(LoadBalancerRequest(service, loadBalancerClass: "ours") == nil)
    }

    @Test func `Services of our class ask too`() {
        let service = Sample.service { service in
            service.spec?.type = "LoadBalancer"
            service.spec?.loadBalancerClass = "ours"
        }
        #expect(LoadBalancerRequest(service, loadBalancerClass: "ours") != nil)
    }
}
