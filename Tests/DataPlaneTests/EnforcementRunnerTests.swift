import KubeClient
import KubeModel
import Logging
import NetworkTypes
import TestSupport
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("The runner keeps an enforcer equal to the Services", .timeLimit(.minutes(2)))
struct EnforcementRunnerTests {
    private let state = TrafficState()
    private let enforcer = SimulatedEnforcer()
    private let api = InMemoryAPI([Service.definition, Event.definition])
    private let address = SocketAddress("10.96.0.1:80")!
    private let endpoint = SocketAddress("10.0.0.1:8080")!

    private var key: FrontendKey { FrontendKey(transport: .tcp, address: address) }

    /// Sets a Service and its slice as informers do.
    private func set(_ name: String, on address: String = "10.96.0.1", endpoint: String?) {
        let service = Service(
            metadata: ObjectMeta(name: name, namespace: "shop", uid: "uid-\(name)"),
            spec: ServiceSpec(
                type: "NodePort", clusterIP: address, clusterIPs: [address],
                ports: [ServicePort(name: "http", port: 80, nodePort: 30080)]))
        let slice = EndpointSlice(
            metadata: ObjectMeta(name: "\(name)-1", namespace: "shop", labels: ["kubernetes.io/service-name": name]),
            addressType: "IPv4", endpoints: endpoint.map { [Endpoint(addresses: [$0])] },
            ports: [EndpointPort(name: "http", port: 8080)])
        state.setService(NamespacedName(service.metadata), ServiceEntry(service))
        state.setSlice(NamespacedName(slice.metadata), EndpointSliceEntry(slice))
    }

    private func fate(_ destination: String = "10.96.0.1:80") -> PacketFate {
        enforcer.fate(
            of: Packet(.tcp, from: SocketAddress("192.0.2.1:1000")!, to: SocketAddress(destination)!), at: .now)
    }

    /// What any number of tasks do to one of the Services at the same time.
    private func disturb(_ service: Int, _ random: inout SeededRandom) {
        let key = FrontendKey(transport: .tcp, address: SocketAddress("10.96.1.\(service):80")!)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: enforcer.deny(key, .addressInUse)
        case 1: enforcer.deny(key, nil)
        case 2: enforcer.loseEverything()
        case 3: state.setService(NamespacedName(namespace: "shop", name: "s\(service)"), nil)
        case 4: set("s\(service)", on: "10.96.1.\(service)", endpoint: nil)
        default: set("s\(service)", on: "10.96.1.\(service)", endpoint: "10.0.0.\(service)")
        }
    }

    @Test(arguments: 0..<40 as Range<UInt64>)
    func `nothing is forgotten, in whatever order changes, refusals and losses come`(seed: UInt64) async throws {
        try await withRunner { runner in
            await withTaskGroup(of: Void.self) { group in
                for worker in 0..<4 as Range<UInt64> {
                    group.addTask {
                        var random = SeededRandom(seed: seed * 4 + worker)
                        for _ in 0..<50 {
                            disturb(Int.random(in: 0..<3, using: &random), &random)
                            if Bool.random(using: &random) { await Task.yield() }
                        }
                    }
                }
            }
            // The last word on each, of a kind of its own; nothing else happens afterwards.
            for service in 0..<3 {
                enforcer.deny(
                    FrontendKey(transport: .tcp, address: SocketAddress("10.96.1.\(service):80")!), nil)
            }
            set("s0", on: "10.96.1.0", endpoint: "10.0.0.9")
            set("s1", on: "10.96.1.1", endpoint: nil)
            state.setService(NamespacedName(namespace: "shop", name: "s2"), nil)
            let delivered = PacketFate.delivered(
                SocketAddress("10.0.0.9:8080")!, service: NamespacedName(namespace: "shop", name: "s0"))
            try await eventually {
                fate("10.96.1.0:80") == delivered && fate("10.96.1.1:80") == .refused
                    && fate("10.96.1.2:80") == .notForServices
            }
            while await !runner.ledger.problems.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    private func eventually(_ condition: () -> Bool) async throws {
        while !condition() { try await Task.sleep(for: .milliseconds(2)) }
    }

    private func withRunner(_ body: (EnforcementRunner) async throws -> Void) async throws {
        let client = APIClient(transport: api)
        let logger = Logger(label: "test")
        let recorder = EventRecorder(client: client, component: "test", logger: logger)
        let runner = EnforcementRunner(
            state: state, enforcer: enforcer, recorder: recorder, logger: logger,
            node: NodeIdentity(name: "node-1", nodePortAddresses: []), retryPause: .milliseconds(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await recorder.run() }
            await runner.enforceFirst(on: NodeIdentity(name: "node-1", nodePortAddresses: []))
            group.addTask { await runner.run() }
            try await body(runner)
            group.cancelAll()
        }
    }

    private var delivered: PacketFate { .delivered(endpoint, service: NamespacedName(namespace: "shop", name: "web")) }

    @Test func `the first batch is everything, the following ones are what changed`() async throws {
        set("web", endpoint: "10.0.0.1")
        try await withRunner { _ in
            #expect(fate() == delivered)
            set("web", endpoint: nil)
            try await eventually { fate() == .refused }
            set("web", endpoint: "10.0.0.1")
            try await eventually { fate() == delivered }
            #expect(enforcer.batches.first == .everything)
            #expect(enforcer.batches.dropFirst().allSatisfy { $0 == .changes })
        }
    }

    @Test func `what was lost is enforced again`() async throws {
        set("web", endpoint: "10.0.0.1")
        try await withRunner { _ in
            enforcer.loseEverything()
            try await eventually { fate() == delivered }
            #expect(enforcer.batches == [.everything, .everything])
        }
    }

    @Test func `what failed is repeated until it is done, and told as an Event`() async throws {
        enforcer.deny(key, .addressInUse)
        set("web", endpoint: "10.0.0.1")
        try await withRunner { runner in
            #expect(fate() == .notForServices)
            let client = APIClient(transport: api)
            var events: [Event] = []
            while events.isEmpty {
                events = try await client.list(Event.self, namespace: "shop").items
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(events.map(\.reason) == ["AddressNotServed"])
            #expect(events.first?.message?.contains("10.96.0.1:80/TCP: another listener has it") == true)
            enforcer.deny(key, nil)
            try await eventually { fate() == delivered }
            while await !runner.ledger.problems.isEmpty { try await Task.sleep(for: .milliseconds(2)) }
        }
    }

    @Test func `a deletion that was refused as a whole is repeated until it is done`() async throws {
        set("web", endpoint: "10.0.0.1")
        try await withRunner { _ in
            #expect(fate() == delivered)
            enforcer.refuseBatches(3)
            state.setService(NamespacedName(namespace: "shop", name: "web"), nil)
            try await eventually { fate() == .notForServices }
            #expect(enforcer.batches == [.everything, .changes, .everything, .everything, .everything])
        }
    }

    @Test func `a balancing that there is not is told once, and traffic flows`() async throws {
        let other = NamespacedName(namespace: "shop", name: "other")
        func set(_ annotation: String, endpoint: String) {
            state.setService(
                other,
                ServiceEntry(
                    key: other, clusterIPs: [IPAddress("10.96.0.77")!],
                    balancing: ServiceBalancing(annotation: annotation),
                    ports: [
                        ServicePortEntry(port: 80, endpoints: [ServiceEndpoint(address: SocketAddress(endpoint)!)])
                    ]))
        }
        set("least-conn", endpoint: "10.0.0.1:8080")
        try await withRunner { _ in
            for number in 2..<5 { set("least-conn", endpoint: "10.0.0.\(number):8080") }
            let client = APIClient(transport: api)
            var events: [Event] = []
            while events.isEmpty {
                events = try await client.list(Event.self, namespace: "shop").items
                try await Task.sleep(for: .milliseconds(2))
            }
            #expect(events.map(\.reason) == ["UnknownBalancing"] && events.first?.count == 1)
            #expect(
                events.first?.message?.contains(
                    "\"least-conn\": there are random, consistent-hash and least-connections") == true)
        }
    }

    @Test func `a balancing that the mode has not is told once`() async throws {
        let other = NamespacedName(namespace: "shop", name: "other")
        for balancing in [ServiceBalancing.leastConnections, .consistentHash, .leastConnections] {
            try await withRunner { _ in
                state.setService(
                    other,
                    ServiceEntry(
                        key: other, clusterIPs: [IPAddress("10.96.0.77")!], balancing: balancing,
                        ports: [ServicePortEntry(port: 80, endpoints: [ServiceEndpoint(address: endpoint)])]))
                try await eventually { fate("10.96.0.77:80") != .notForServices }
            }
        }
        let client = APIClient(transport: api)
        var events: [Event] = []
        try await withRunner { _ in
            while events.isEmpty {
                events = try await client.list(Event.self, namespace: "shop").items
                try await Task.sleep(for: .milliseconds(2))
            }
        }
        #expect(Set(events.map(\.reason)) == ["UnsupportedBalancing"])
        #expect(events.first?.message?.contains("endpoints are chosen at random") == true)
    }

    @Test func `node ports follow the node's addresses`() async throws {
        set("web", endpoint: "10.0.0.1")
        try await withRunner { runner in
            #expect(fate("192.0.2.7:30080") == .notForServices)
            runner.setNode(NodeIdentity(name: "node-1", nodePortAddresses: [IPAddress("192.0.2.7")!]))
            try await eventually { fate("192.0.2.7:30080") == delivered }
        }
    }
}
