import KubeModel
import NFTables
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("What the table holds follows the Services") struct NFTablesPlanTests {
    private let node = NodeIdentity(
        name: "node-1", nodePortAddresses: [IPAddress("192.0.2.1")!], ownAddresses: [IPAddress("192.0.2.1")!])

    private func web(_ endpoints: [Int], affinity: Int? = nil) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "default", name: "web"), clusterIPs: [IPAddress("10.96.0.10")!],
            affinitySeconds: affinity,
            ports: [
                ServicePortEntry(
                    port: Port(80),
                    endpoints: endpoints.map {
                        ServiceEndpoint(
                            address: SocketAddress("10.244.0.\($0):8080")!, nodeName: "node-2")
                    })
            ])
    }

    /// A plan with the planner before it and the tables of a machine behind it.
    private struct Machine {
        var planner = FrontendPlanner()
        var plan: NFTablesPlan
        let ruleset = SimulatedRuleset()
        let node: NodeIdentity

        init(_ node: NodeIdentity, _ policy: MasqueradePolicy = MasqueradePolicy()) throws {
            self.node = node
            plan = NFTablesPlan(policy: policy)
            try ruleset.commit(NFTransaction(TableLayout.table, plan.repairs(of: nil)), expecting: nil)
        }

        mutating func change(_ changes: [ServiceChange]) throws -> [NFTransaction.Operation] {
            let wanted = planner.plan(changes, on: node)
            let operations = plan.apply(wanted.changes, of: changes, on: node)
            try ruleset.commit(NFTransaction(TableLayout.table, operations), expecting: nil)
            return operations
        }

        /// What the chain goes by; 0 for none.
        func number(of chain: String) -> UInt32 {
            let elements =
                ruleset.listing(of: TableLayout.table, leavingOut: [])?.elements[TableLayout.treatments] ?? []
            return elements.first { $0.data == .verdict(.goto(chain)) }?.key.host(at: 0) ?? 0
        }

        var repairs: [NFTransaction.Operation] {
            plan.repairs(of: ruleset.listing(of: TableLayout.table, leavingOut: TableLayout.dynamicSets))
        }
    }

    private func change(_ before: ServiceEntry?, _ after: ServiceEntry?) -> ServiceChange {
        ServiceChange(key: (before ?? after)!.key, before: before, after: after)
    }

    @Test func `one endpoint costs its element and that of its address, and no rule`() throws {
        var machine = try Machine(node)
        let others = (0..<3).map { number -> ServiceChange in
            var other = web(Array(1...(number + 2)))
            other.key.name = "other\(number)"
            other.clusterIPs = [IPAddress("10.96.1.\(number)")!]
            return change(nil, other)
        }
        _ = try machine.change(others + [change(nil, web([1, 2, 3]))])
        let added = try machine.change([change(web([1, 2, 3]), web([1, 2, 3, 4]))])
        let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.10:80")!)
        func element(_ number: UInt32) -> NFElement {
            NFElement(TableLayout.key(key), .value(TableLayout.data(treatment: number)))
        }
        let (three, four) = (machine.number(of: "choose4-3"), machine.number(of: "choose4-4"))
        #expect(
            added == [
                .deleteElements(set: "frontends4", [element(three)]),
                .addElements(
                    set: "endpoints4",
                    [
                        NFElement(
                            TableLayout.key(key, number: 3), .value(TableLayout.data(SocketAddress("10.244.0.4:8080")!))
                        )
                    ]),
                .addElements(set: "frontends4", [element(four)]),
            ])
    }

    @Test func `endpoints keep their numbers, and the last moves into a gap`() throws {
        var machine = try Machine(node)
        _ = try machine.change([change(nil, web([1, 2, 3, 4]))])
        _ = try machine.change([change(web([1, 2, 3, 4]), web([1, 3, 4]))])
        let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.0.10:80")!)
        #expect(
            machine.plan.entries[key]?.slots.map(\.description) == [
                "10.244.0.1:8080", "10.244.0.4:8080", "10.244.0.3:8080",
            ])
        _ = try machine.change([change(web([1, 3, 4]), web([1, 3, 4]))])
        #expect(machine.repairs.isEmpty)
    }

    @Test func `chains live as long as somebody uses them`() throws {
        var machine = try Machine(node)
        func chains() -> Set<String> {
            Set(machine.ruleset.listing(of: TableLayout.table, leavingOut: [])?.chains.keys.map(\.self) ?? [])
                .subtracting(TableLayout.chains.map(\.name))
        }
        #expect(chains() == ["refuse", "silence"])
        _ = try machine.change([change(nil, web([1, 2], affinity: 10800))])
        #expect(chains() == ["refuse", "silence", "stick4-2-10800s"])
        _ = try machine.change([change(web([1, 2], affinity: 10800), web([1, 2]))])
        #expect(chains() == ["refuse", "silence", "choose4-2"])
        _ = try machine.change([change(web([1, 2]), nil)])
        #expect(chains() == ["refuse", "silence"])
    }

    @Test func `a new plan that takes a table over changes nothing`() throws {
        var machine = try Machine(node)
        _ = try machine.change([change(nil, web([1, 2, 3, 4]))])
        _ = try machine.change([change(web([1, 2, 3, 4]), web([1, 3, 4]))])
        let listing = try #require(machine.ruleset.listing(of: TableLayout.table, leavingOut: []))
        var planner = FrontendPlanner()
        var next = NFTablesPlan()
        next.adopt(listing)
        let changes = [change(nil, web([1, 3, 4]))]
        _ = next.apply(planner.plan(changes, on: node).changes, of: changes, on: node)
        #expect(next.repairs(of: listing).isEmpty)
    }

    @Test func `what somebody else took out or changed is mended, and nothing else is touched`() throws {
        var machine = try Machine(node)
        _ = try machine.change([change(nil, web([1, 2, 3, 4]))])
        #expect(machine.repairs.isEmpty)
        let endpoints = TableLayout.Names(.v4).endpoints
        let elements = try #require(
            machine.ruleset.listing(of: TableLayout.table, leavingOut: [])?.elements[endpoints])
        var wrong = elements[1]
        wrong.data = .value(TableLayout.data(SocketAddress("192.0.2.1:1")!))
        try machine.ruleset.commit(
            NFTransaction(
                TableLayout.table,
                [
                    .deleteElements(set: endpoints, Array(elements[0...1])),
                    .addElements(set: endpoints, [wrong]),
                ]), expecting: nil)
        let repairs = machine.repairs
        #expect(repairs.contains(.deleteElements(set: endpoints, [wrong])))
        let added = repairs.compactMap { operation -> Set<NFElement>? in
            if case .addElements(endpoints, let added) = operation { Set(added) } else { nil }
        }
        #expect(added == [Set(elements[0...1])])
        #expect(repairs.count == 3 && repairs.first == .addTable)
        try machine.ruleset.commit(NFTransaction(TableLayout.table, repairs), expecting: nil)
        #expect(machine.repairs.isEmpty)
    }

    @Test func `a table of another build is replaced in one transaction`() throws {
        var machine = try Machine(node)
        _ = try machine.change([change(nil, web([1]))])
        let other = SimulatedRuleset()
        try other.commit(
            NFTransaction(
                TableLayout.table,
                [.addTable, .addSet(NFSet("frontends4", key: .port)), .addChain(NFChain("services"))]), expecting: nil)
        let repairs = machine.plan.repairs(of: other.listing(of: TableLayout.table, leavingOut: []))
        #expect(repairs.first == .deleteTable)
        try other.commit(NFTransaction(TableLayout.table, repairs), expecting: nil)
        #expect(machine.plan.repairs(of: other.listing(of: TableLayout.table, leavingOut: [])).isEmpty)
    }

    @Test func `networks are merged into ranges that do not touch`() {
        let ranges = AddressRange.merged(
            ["10.0.1.0/24", "10.0.0.0/24", "10.0.0.128/25", "10.0.4.0/24", "255.0.0.0/8"].map { CIDR($0)! })
        #expect(
            ranges.map(\.description) == ["10.0.0.0-10.0.1.255", "10.0.4.0-10.0.4.255", "255.0.0.0-255.255.255.255"])
    }

    /// What changes make of a table, one after the other, is what the whole would have been made: nothing is ever left
    /// to repair.
    @Test(arguments: 0..<8) func `changes add up to the whole`(seed: Int) throws {
        var random = SplitMix(state: UInt64(seed) + 1)
        var policy = MasqueradePolicy()
        policy.sparesHome = seed % 2 == 0
        if seed % 3 == 0 { policy.podNetworks = [CIDR("10.244.0.0/16")!, CIDR("fd44::/16")!] }
        var machine = try Machine(node, policy)
        var services: [NamespacedName: ServiceEntry] = [:]
        for _ in 0..<300 {
            var changes: [ServiceChange] = []
            for number in Set((0...random.below(3)).map { _ in random.below(6) }) {
                let key = NamespacedName(namespace: "default", name: "s\(number)")
                let after = random.below(5) == 0 ? nil : randomService(key, number, &random)
                guard services[key] != nil || after != nil else { continue }
                changes.append(ServiceChange(key: key, before: services[key], after: after))
                services[key] = after
            }
            _ = try machine.change(changes)
            #expect(machine.repairs.isEmpty)
        }
        // And somebody else's disturbance is made good.
        let listing = try #require(machine.ruleset.listing(of: TableLayout.table, leavingOut: []))
        for name in ["frontends4", "endpoints4", "cluster-ips4", "members4"] {
            try machine.ruleset.commit(NFTransaction(TableLayout.table, [.flushSet(name)]), expecting: nil)
        }
        try machine.ruleset.commit(
            NFTransaction(TableLayout.table, [.flushChain("services"), .addChain(NFChain("strange"))]), expecting: nil)
        try machine.ruleset.commit(NFTransaction(TableLayout.table, machine.repairs), expecting: nil)
        #expect(machine.repairs.isEmpty)
        let healed = try #require(machine.ruleset.listing(of: TableLayout.table, leavingOut: []))
        #expect(healed.chains == listing.chains && healed.rules == listing.rules)
    }

    private func randomService(_ key: NamespacedName, _ number: Int, _ random: inout SplitMix) -> ServiceEntry {
        var service = web([])
        service.key = key
        service.clusterIPs = [IPAddress("10.96.0.\(10 + number)")!, IPAddress("fd96::\(10 + number)")!]
        service.affinitySeconds = random.below(3) == 0 ? 100 + random.below(2) : nil
        service.externalTrafficPolicy = random.below(2) == 0 ? .local : .cluster
        if random.below(2) == 0 { service.externalIPs = [IPAddress("203.0.113.\(random.below(3))")!] }
        if random.below(2) == 0 {
            service.loadBalancerIPs = [IPAddress("198.51.100.\(number)")!]
            let ranges = [["10.0.0.0/8"], ["10.0.0.0/8", "fd00::/8", "0.0.0.0/1"], ["nonsense"], nil]
            service.loadBalancerSourceRanges = SourceRanges(spec: ranges[random.below(4)], annotation: nil)
        }
        service.ports = (0...random.below(2)).map { index in
            ServicePortEntry(
                transport: TransportProtocol.allCases[index], port: Port(80),
                nodePort: random.below(2) == 0 ? Port(UInt16(30000 + number)) : nil,
                endpoints: (0..<random.below(6)).map { endpoint in
                    let address = random.below(4) == 0 ? "[fd44::\(endpoint)]:80" : "10.244.0.\(endpoint):80"
                    return ServiceEndpoint(
                        address: SocketAddress(address)!, isReady: random.below(5) > 0,
                        nodeName: [nil, "node-1", "node-2"][random.below(3)])
                })
        }
        return service
    }

    // MARK: The fast path

    private func flowtables(_ machine: Machine) -> [String: Set<String>] {
        (machine.ruleset.listing(of: TableLayout.table, leavingOut: [])?.flowtables ?? [:]).mapValues {
            Set($0.devices)
        }
    }

    private func bring(_ machine: Machine) throws {
        try machine.ruleset.commit(NFTransaction(TableLayout.table, machine.repairs), expecting: nil)
        #expect(machine.repairs == [])
    }

    @Test func `a fast path comes and goes with what is wanted, and gets the devices that it lacks`() throws {
        var machine = try Machine(node)
        _ = try machine.change([change(nil, web([1, 2]))])
        #expect(flowtables(machine) == [:])
        machine.plan.fastPath = FastPath(devices: [2: "eth0", 3: "eth1"])
        try bring(machine)
        #expect(flowtables(machine) == [FastPath.flowtable: ["eth0", "eth1"]])
        machine.plan.fastPath = FastPath(devices: [2: "eth0", 4: "eth2"])
        #expect(
            machine.repairs == [.addTable, .addFlowtable(NFFlowtable(FastPath.flowtable, devices: ["eth2"]))])
        try bring(machine)
        machine.plan.fastPath = nil
        try bring(machine)
        #expect(flowtables(machine) == [:])
        #expect(
            machine.ruleset.listing(of: TableLayout.table, leavingOut: [])?.chains[FastPath.chain.name] == nil)
    }

    @Test func `more devices than a message holds are added in several`() {
        let devices = Dictionary(uniqueKeysWithValues: (UInt32(2)..<602).map { ($0, "veth\($0)") })
        let added = FastPath(devices: devices).additions.map { operation in
            guard case .addFlowtable(let flowtable) = operation else { return [String]() }
            return flowtable.devices
        }
        #expect(added.map(\.count) == [256, 256, 88])
        #expect(Set(added.joined()) == Set(devices.values))
    }
}

private struct SplitMix {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((value ^ (value >> 31)) % UInt64(bound))
    }
}
