import KubeModel
import NetworkTypes
import Testing

@testable import Controllers

/// Against a plain model that tries address by address, and at a size at which that would not end.
@Suite("Allocation among many") struct AllocationAtScaleTests {
    private static func holder(_ number: Int, key: String? = nil, port: Int = 80) -> LoadBalancerRequest? {
        let service = Sample.service("s\(number)") { service in
            service.spec?.type = "LoadBalancer"
            service.spec?.ipFamilies = number.isMultiple(of: 2) ? ["IPv4"] : ["IPv6"]
            service.spec?.ports = [ServicePort(protocol: "TCP", port: port)]
            service.metadata.annotations = key.map { ["metallb.io/allow-shared-ip": $0] }
            service.metadata.creationTimestamp = Timestamp(secondsSinceEpoch: Int64(number))
        }
        return LoadBalancerRequest(service, loadBalancerClass: "ours")
    }

    private static let pool = PoolAddresses(
        IPAddressPool(
            metadata: ObjectMeta(name: "big", namespace: "metallb-system"),
            spec: IPAddressPoolSpec(addresses: ["10.0.0.0/16", "fd00::/64"], avoidBuggyIPs: true)))

    @Test(arguments: [nil, "k"])
    func `ten thousand Services get an address each out of a great pool, and again after a restart`(key: String?) throws
    {
        var planner = LoadBalancerPlanner(pools: [Self.pool])
        var given: [IPAddress: Int] = [:]
        var requests: [LoadBalancerRequest] = []
        for number in 0..<10_000 {
            var request = try #require(Self.holder(number, key: key))
            guard case .assign(let addresses, _) = planner.decide(request) else {
                Issue.record("no address for \(number)")
                return
            }
            planner.promise(addresses, to: request)
            request.current = addresses
            given[addresses[0], default: 0] += 1
            requests.append(request)
        }
        #expect(given.count == 10_000)
        #expect(planner.use(of: Self.pool.id) == LoadBalancerPlanner.Use(v4: 5000, v6: 5000))
        // Who comes next knows the addresses from the Services alone.
        var next = LoadBalancerPlanner(pools: [Self.pool])
        for request in requests.shuffled() { next.note(request, for: request.key) }
        for request in requests { #expect(next.decide(request) == .keep) }
        let late = try #require(Self.holder(10_000, key: key))
        guard case .assign(let addresses, _) = next.decide(late) else {
            Issue.record("no address left")
            return
        }
        #expect(given[addresses[0]] == nil)
    }

    private struct Numbers: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ state >> 33
        }
    }

    @Test(arguments: 0..<20)
    func `whoever comes and goes, the lowest address with room is found`(seed: Int) throws {
        var random = Numbers(state: UInt64(seed))
        let range = try #require(AddressRange("10.0.0.250-10.0.1.4"))
        let pool = PoolAddresses(
            IPAddressPool(
                metadata: ObjectMeta(name: "p", namespace: "m"),
                spec: IPAddressPoolSpec(addresses: ["10.0.0.250-10.0.1.4"], avoidBuggyIPs: seed.isMultiple(of: 2))))
        var planner = LoadBalancerPlanner(pools: [pool])
        var present: [Int: LoadBalancerRequest] = [:]
        for _ in 0..<400 {
            let number = Int.random(in: 0..<40, using: &random) * 2
            if let there = present.removeValue(forKey: number) {
                planner.note(nil, for: there.key)
                continue
            }
            let key = [nil, "k", "l"].randomElement(using: &random) ?? nil
            var request = try #require(
                Self.holder(number, key: key, port: Int.random(in: 80...82, using: &random)))
            var expected: IPAddress?
            var candidate: IPAddress? = range.first
            while let address = candidate, address <= range.last, expected == nil {
                let others = present.values.filter { $0.current == [address] }
                let isGood = !seed.isMultiple(of: 2) || (address.v4 ?? 0) % 256 != 0 && (address.v4 ?? 0) % 256 != 255
                if isGood, others.allSatisfy({ request.holder.canShare(with: $0.holder) }) { expected = address }
                candidate = address.advanced(by: 1)
            }
            switch planner.decide(request) {
            case .assign(let addresses, _):
                #expect(addresses == expected.map { [$0] })
                planner.promise(addresses, to: request)
                request.current = addresses
                present[number] = request
            case .refuse: #expect(expected == nil)
            case .keep: Issue.record("a newcomer has nothing to keep")
            }
        }
    }

    @Test func `pools that overlap are told apart by the address`() throws {
        func pool(_ name: String, _ addresses: String...) -> PoolAddresses {
            PoolAddresses(AddressPool(metadata: ObjectMeta(name: name), spec: AddressPoolSpec(addresses: addresses)))
        }
        let directory = PoolDirectory([
            pool("a", "10.0.0.0/24", "255.255.255.0/24"), pool("b", "10.0.0.128-10.0.1.5"), pool("c", "fd00::/64"),
        ])
        for (text, pools) in [
            ("9.255.255.255", []), ("10.0.0.0", [0]), ("10.0.0.128", [0, 1]), ("10.0.0.255", [0, 1]), ("10.0.1.0", [1]),
            ("10.0.1.6", []), ("255.255.255.255", [0]), ("::", []), ("fd00::ffff", [2]), ("fd00:0:0:1::", []),
        ] as [(String, [Int])] {
            #expect(directory.pools(of: try #require(IPAddress(text))) == pools, "\(text)")
        }
    }
}
