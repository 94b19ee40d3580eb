import BPF
import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("What sockets are led by as Services change") struct SocketPlanTests {
    static let endpoints = (1...6).map { SocketAddress("10.1.0.\($0):80")! }
    static let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.1:80")!)
    static let external = FrontendKey(transport: .tcp, address: SocketAddress("203.0.113.1:80")!)

    static func frontend(
        _ endpoints: [SocketAddress], _ role: Frontend.Role = .clusterIP, affinity: Int? = nil,
        balancing: ServiceBalancing = .random, ranges: SourceRanges = .everyone, name: String = "web",
        inside: [SocketAddress]? = nil, transport: TransportProtocol = .tcp
    ) -> Frontend {
        Frontend(
            role: role,
            backend: ServiceBackendID(
                port: ServicePortID(
                    service: NamespacedName(namespace: "shop", name: name), port: 80, transport: transport),
                family: .v4, policy: .cluster),
            endpoints: endpoints, insideEndpoints: inside, affinitySeconds: affinity, balancing: balancing,
            sourceRanges: ranges)
    }

    /// Carries steps out.
    static func carryOut(_ steps: SocketPlan.Steps, _ listing: inout SocketPlan.Listing) {
        for change in steps.all {
            switch change {
            case .setFrontend(let key, let front): listing.frontends[key] = front
            case .removeFrontend(let key): listing.frontends[key] = nil
            case .setEndpoint(let row, let number, let endpoint):
                listing.endpoints[row, default: [:]][number] = endpoint
            case .removeEndpoint(let row, let number):
                listing.endpoints[row]?[number] = nil
                if listing.endpoints[row]?.isEmpty == true { listing.endpoints[row] = nil }
            case .addMember(let member): listing.members.insert(member)
            case .removeMember(let member): listing.members.remove(member)
            }
            // Whoever connects at this moment finds an endpoint.
            for (key, front) in listing.frontends {
                let numbers = Set(listing.endpoints[front.row]?.keys.map { $0 } ?? [])
                #expect(numbers.isSuperset(of: 0..<Int(front.count)), "\(key) after \(change)")
            }
        }
    }

    @Test func `a change costs its own entries`() {
        var plan = SocketPlan()
        let (a, b, c) = (Self.endpoints[0], Self.endpoints[1], Self.endpoints[2])
        func front(_ count: UInt32) -> SocketFront {
            SocketFront(row: 1, count: count, affinitySeconds: 0, isOfHostOnly: false)
        }
        func apply(_ endpoints: [SocketAddress]) -> SocketPlan.Steps {
            plan.apply([.set(Self.key, Self.frontend(endpoints), replacing: nil)])
        }
        #expect(
            apply([a, b])
                == .init(
                    additions: [.setEndpoint(row: 1, number: 0, a), .setEndpoint(row: 1, number: 1, b)],
                    frontends: [.setFrontend(Self.key, front(2))]))
        #expect(apply([a, b]).isEmpty, "named again, it is as it should be")
        #expect(
            apply([a, b, c])
                == .init(
                    additions: [.setEndpoint(row: 1, number: 2, c)], frontends: [.setFrontend(Self.key, front(3))]))
        // The last one moves into the gap.
        #expect(
            apply([b, c])
                == .init(
                    additions: [.setEndpoint(row: 1, number: 0, c)], frontends: [.setFrontend(Self.key, front(2))],
                    removals: [.removeEndpoint(row: 1, number: 2)]))
        #expect(
            plan.apply([.remove(Self.key, Self.frontend([]))])
                == .init(
                    frontends: [.removeFrontend(Self.key)],
                    removals: [.removeEndpoint(row: 1, number: 0), .removeEndpoint(row: 1, number: 1)]))
        #expect(plan.wanted == .init())
    }

    @Test func `what cannot be judged at connect is left to the rules`() {
        let plan = SocketPlan()
        let some = SourceRanges(spec: ["192.0.2.0/24"], annotation: nil)
        let ends = [Self.endpoints[0]]
        let cases: [(Frontend, TransportProtocol, SocketPlan.Abstention?)] = [
            (Self.frontend(ends), .tcp, nil), (Self.frontend(ends), .udp, nil),
            (Self.frontend(ends), .sctp, .transport), (Self.frontend([]), .tcp, .noEndpoints),
            (Self.frontend(ends, .loadBalancerIP, ranges: some), .tcp, .someClients),
            (Self.frontend(ends, balancing: .consistentHash), .tcp, .byClient),
            (Self.frontend(ends, affinity: 60, balancing: .consistentHash), .tcp, nil),
            (Self.frontend([], .nodePort, inside: ends), .tcp, nil),
            (Self.frontend(ends, .nodePort, inside: []), .tcp, .noEndpoints),
        ]
        for (frontend, transport, abstention) in cases {
            let key = FrontendKey(transport: transport, address: Self.key.address)
            #expect(SocketPlan.abstention(key, frontend) == abstention)
        }
        _ = plan
    }

    @Test func `other network namespaces are led from cluster IPs only, and only where nobody is masqueraded`() {
        var (pods, all) = (MasqueradePolicy(), MasqueradePolicy())
        pods.podNetworks = [CIDR("10.1.0.0/16")!]
        all.isForAll = true
        let loopback = FrontendKey(transport: .tcp, address: SocketAddress("127.96.0.1:80")!)
        let server = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.9:443")!)
        for (policy, expected) in [(MasqueradePolicy(), false), (pods, true), (all, true)] {
            var plan = SocketPlan(policy)
            _ = plan.apply([
                .set(Self.key, Self.frontend([Self.endpoints[0]]), replacing: nil),
                .set(Self.external, Self.frontend([Self.endpoints[0]], .externalIP), replacing: nil),
                .set(loopback, Self.frontend([Self.endpoints[0]], name: "here"), replacing: nil),
                .set(server, Self.frontend([SocketAddress("127.0.0.1:6443")!], name: "server"), replacing: nil),
            ])
            let fronts = plan.wanted.frontends
            #expect(fronts[server]?.isOfHostOnly == true, "its own loopback address is not ours")
            #expect(fronts[Self.key]?.isOfHostOnly == expected)
            #expect(fronts[Self.external]?.isOfHostOnly == true)
            #expect(fronts[loopback]?.isOfHostOnly == true)
            #expect(fronts[Self.key]?.row == fronts[Self.external]?.row, "one row for one port of a Service")
        }
    }

    @Test func `whatever changes, whoever connects meanwhile finds an endpoint, and what is left is what is wanted`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var (plan, listing) = (SocketPlan(), SocketPlan.Listing())
            for _ in 0..<12 {
                var changes: [FrontendPlanner.Change] = []
                let endpoints = Self.endpoints.filter { _ in Bool.random(using: &random) }
                for key in [Self.key, Self.external] where Int.random(in: 0..<5, using: &random) > 0 {
                    let role: Frontend.Role = key == Self.key ? .clusterIP : .externalIP
                    let affinity = Bool.random(using: &random) ? 60 : nil
                    changes.append(.set(key, Self.frontend(endpoints, role, affinity: affinity), replacing: nil))
                }
                if changes.isEmpty { changes = [.remove(Self.key, Self.frontend([]))] }
                // Both addresses have the same endpoints: of one Service they always have.
                if changes.count == 1, case .set = changes[0] {
                    let other = changes[0].key == Self.key ? Self.external : Self.key
                    changes.append(.remove(other, Self.frontend([])))
                }
                Self.carryOut(plan.apply(changes), &listing)
                #expect(listing == plan.wanted)
                #expect(plan.repairs(of: listing).isEmpty)
                #expect(plan.endpointCount == listing.endpoints.values.reduce(0) { $0 + $1.count })
            }
        }
    }

    @Test func `what there is no room for is left to the rules until there is`() {
        var plan = SocketPlan(room: .init(frontends: 1, endpoints: 3, memories: 16))
        var listing = SocketPlan.Listing()
        let other = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.2:80")!)
        let (web, api) = (
            Self.frontend([Self.endpoints[0]]), Self.frontend(Array(Self.endpoints[1...2]), name: "api")
        )
        Self.carryOut(
            plan.apply([.set(Self.key, web, replacing: nil), .set(other, api, replacing: nil)]), &listing)
        #expect(Set(listing.frontends.keys) == [Self.key] && Set(plan.crowded.keys) == [other])
        Self.carryOut(plan.apply([.remove(Self.key, web)]), &listing)
        #expect(Set(listing.frontends.keys) == [other] && plan.crowded.isEmpty)
        // More endpoints than there is room for.
        let many = Self.frontend(Array(Self.endpoints[0...3]), name: "api")
        Self.carryOut(plan.apply([.set(other, many, replacing: api)]), &listing)
        #expect(listing == .init() && Set(plan.crowded.keys) == [other])
        Self.carryOut(plan.apply([.set(other, api, replacing: many)]), &listing)
        #expect(listing == plan.wanted && plan.crowded.isEmpty && plan.count == 1)
    }

    @Test func `the next process goes on with the numbers of the last`() {
        var (first, listing) = (SocketPlan(), SocketPlan.Listing())
        let changes: [FrontendPlanner.Change] = [
            .set(Self.external, Self.frontend([Self.endpoints[5]], .externalIP, name: "old"), replacing: nil),
            .set(Self.key, Self.frontend(Array(Self.endpoints[0...3]), affinity: 60), replacing: nil),
        ]
        Self.carryOut(first.apply(changes), &listing)
        let row = listing.frontends[Self.key]?.row
        var next = SocketPlan()
        next.adopt(listing)
        _ = next.apply([.set(Self.key, Self.frontend(Array(Self.endpoints[1...3]), affinity: 60), replacing: nil)])
        next.forgetAdopted()
        let steps = next.repairs(of: listing)
        #expect(next.wanted.frontends[Self.key]?.row == row)
        #expect(steps.additions.count == 1, "the last moves into the gap: \(steps.additions)")
        Self.carryOut(steps, &listing)
        #expect(listing == next.wanted)
        #expect(listing.frontends.keys.map { $0 } == [Self.key])
    }

    @Test func `entries keep what they say in bytes`() {
        let mapped = SocketMaps.key(Self.key)
        #expect(mapped == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 96, 0, 1, 0, 80, 6, 0])
        let v6 = FrontendKey(transport: .udp, address: SocketAddress("[fd96::1]:53")!)
        for key in [Self.key, v6] { #expect(SocketMaps.frontend(SocketMaps.key(key)) == key) }
        let front = SocketFront(row: 70_000, count: 3, affinitySeconds: 10_800, isOfHostOnly: true)
        #expect(SocketMaps.front(SocketMaps.value(front)) == front)
        for endpoint in [Self.endpoints[0], v6.address] {
            #expect(SocketMaps.endpoint(SocketMaps.value(endpoint)) == endpoint)
            let member = SocketMember(row: 7, endpoint: endpoint)
            #expect(SocketMaps.member(SocketMaps.member(7, endpoint)) == member)
        }
        for map in SocketMaps.all(.init()) where map.kind != .socketStorage { #expect(map.capacity > 0) }
        #expect(SocketMaps.front([1, 2]) == nil && SocketMaps.frontend([]) == nil && SocketMaps.slot([]) == nil)
    }
}
