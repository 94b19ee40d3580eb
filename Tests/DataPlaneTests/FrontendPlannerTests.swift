import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Services come to frontends")
struct FrontendPlannerTests {
    private let node = NodeIdentity(name: "node-1", nodePortAddresses: [IPAddress("127.0.0.1")!])

    private func service(
        _ name: String, clusterIP: String = "127.96.0.10", nodePort: UInt16? = nil,
        endpoints: [String] = ["10.0.0.1:80"]
    ) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "default", name: name), clusterIPs: [IPAddress(clusterIP)!],
            ports: [
                ServicePortEntry(
                    port: 80, nodePort: nodePort.map { Port($0) },
                    endpoints: endpoints.map { ServiceEndpoint(address: SocketAddress($0)!) })
            ])
    }

    private func key(_ address: String) -> FrontendKey {
        FrontendKey(transport: .tcp, address: SocketAddress(address)!)
    }

    private func change(_ before: ServiceEntry?, _ after: ServiceEntry?) -> ServiceChange {
        ServiceChange(key: before?.key ?? after!.key, before: before, after: after)
    }

    private func kinds(_ plan: FrontendPlanner.Plan) -> [String] {
        plan.changes.map { change in
            switch change {
            case .set(let key, let frontend, let previous):
                "\(previous == nil ? "new" : "set") \(key) \(frontend.endpoints.count)"
            case .remove(let key, _): "remove \(key)"
            }
        }.sorted()
    }

    @Test func `a Service has a frontend for its cluster IP and its node port`() {
        var planner = FrontendPlanner()
        let entry = service("a", nodePort: 30080)
        let plan = planner.plan([change(nil, entry)], on: node)
        #expect(kinds(plan) == ["new 127.0.0.1:30080/TCP 1", "new 127.96.0.10:80/TCP 1"])
        #expect(plan.affected == [entry.key])
        // Named again: looked at again.
        let again = planner.plan([change(entry, entry)], on: node)
        #expect(kinds(again) == ["set 127.0.0.1:30080/TCP 1", "set 127.96.0.10:80/TCP 1"])
    }

    @Test func `what the API server of this node has no Service gets, and it is told`() throws {
        var planner = FrontendPlanner()
        let entry = service("a", nodePort: 6443)
        var node = node
        node.apiServers = [try #require(SocketAddress("127.0.0.1:6443"))]
        #expect(kinds(planner.plan([change(nil, entry)], on: node)) == ["new 127.96.0.10:80/TCP 1"])
        let problems = planner.problems(of: [entry.key]) { _ in nil }[entry.key]
        #expect(problems?.map(\.key) == [key("127.0.0.1:6443")] && problems?.map(\.reason) == [.reserved])
        // The API server is elsewhere now, and here again: the Service gets the address and loses it.
        #expect(
            kinds(planner.plan([change(entry, entry)], on: self.node))
                == ["new 127.0.0.1:6443/TCP 1", "set 127.96.0.10:80/TCP 1"])
        #expect(planner.problems(of: [entry.key]) { _ in nil }[entry.key] == [])
        #expect(
            kinds(planner.plan([change(entry, entry)], on: node))
                == ["remove 127.0.0.1:6443/TCP", "set 127.96.0.10:80/TCP 1"])
    }

    @Test func `an address without endpoints stays a frontend`() {
        var planner = FrontendPlanner()
        let (empty, ready) = (service("a", endpoints: []), service("a"))
        #expect(kinds(planner.plan([change(nil, empty)], on: node)) == ["new 127.96.0.10:80/TCP 0"])
        #expect(kinds(planner.plan([change(empty, ready)], on: node)) == ["set 127.96.0.10:80/TCP 1"])
        #expect(kinds(planner.plan([change(ready, empty)], on: node)) == ["set 127.96.0.10:80/TCP 0"])
        #expect(kinds(planner.plan([change(empty, nil)], on: node)) == ["remove 127.96.0.10:80/TCP"])
        #expect(planner.addresses.isEmpty)
    }

    @Test func `an address that two Services claim stays with the first and moves when it is free`() {
        var planner = FrontendPlanner()
        let (first, second) = (service("b"), service("a"))
        _ = planner.plan([change(nil, first)], on: node)
        let claim = planner.plan([change(nil, second)], on: node)
        #expect(planner[key("127.96.0.10:80")]?.backend.port.service == first.key)
        let problems = planner.problems(of: claim.affected) { _ in nil }
        #expect(problems[second.key]?.map(\.reason) == [.conflict(winner: first.key)])
        #expect(problems[first.key] == [])
        let move = planner.plan([change(first, nil)], on: node)
        #expect(kinds(move) == ["set 127.96.0.10:80/TCP 1"])
        #expect(move.affected == [second.key])
        #expect(planner[key("127.96.0.10:80")]?.backend.port.service == second.key)
        #expect(planner.problems(of: move.affected) { _ in nil } == [second.key: []])
    }

    @Test(arguments: [false, true])
    func `an address that the server gave out is not to be had by naming it, whoever comes first`(isFirst: Bool) {
        var planner = FrontendPlanner()
        var (owner, thief) = (service("b", nodePort: 30080), service("a", clusterIP: "127.96.0.11"))
        owner.created = 2000
        thief.created = 1000
        thief.externalIPs = [IPAddress("127.96.0.10")!, IPAddress("127.0.0.1")!]
        thief.ports.append(
            ServicePortEntry(
                name: "b", port: 30080, endpoints: [ServiceEndpoint(address: SocketAddress("10.0.0.9:80")!)]))
        let changes = [change(nil, thief), change(nil, owner)]
        let plan = planner.plan(isFirst ? changes : changes.reversed(), on: node)
        for address in ["127.96.0.10:80", "127.0.0.1:30080"] {
            #expect(planner[key(address)]?.backend.port.service == owner.key)
        }
        let problems = planner.problems(of: plan.affected) { _ in nil }
        #expect(problems[owner.key] == [])
        #expect(problems[thief.key]?.map(\.reason) == Array(repeating: .conflict(winner: owner.key), count: 2))
    }

    @Test(arguments: [false, true])
    func `of two that name an address the older has it, in whatever order they come`(isFirst: Bool) {
        var planner = FrontendPlanner()
        var (older, younger) = (service("b"), service("a", clusterIP: "127.96.0.11"))
        (older.created, younger.created) = (1000, 2000)
        older.externalIPs = [IPAddress("192.0.2.1")!]
        younger.externalIPs = older.externalIPs
        for entry in isFirst ? [younger, older] : [older, younger] { _ = planner.plan([change(nil, entry)], on: node) }
        #expect(planner[key("192.0.2.1:80")]?.backend.port.service == older.key)
    }

    @Test func `a batch comes to one change for each address, removals first`() {
        var planner = FrontendPlanner()
        let (first, second, third) = (service("b"), service("a"), service("c", clusterIP: "127.96.0.11"))
        _ = planner.plan([change(nil, first), change(nil, third)], on: node)
        let plan = planner.plan([change(nil, second), change(first, nil), change(third, nil)], on: node)
        #expect(plan.changes.map(\.key) == [key("127.96.0.11:80"), key("127.96.0.10:80")])
        #expect(plan.affected == [second.key])
    }

    @Test func `a local policy without endpoints here is silent, one without any refuses`() {
        var entry = service("a", endpoints: ["10.0.0.1:80"])
        entry.internalTrafficPolicy = .local
        #expect(entry.frontends(on: node)[key("127.96.0.10:80")]?.absence == .dropped)
        entry.ports[0].endpoints = []
        #expect(entry.frontends(on: node)[key("127.96.0.10:80")]?.absence == .refused)
    }

    @Test func `headless and external-name Services have no addresses`() {
        var headless = service("a")
        headless.form = .headless
        #expect(headless.frontends(on: node).isEmpty)
        var external = service("a")
        external.form = .externalName("example.com")
        #expect(external.frontends(on: node).isEmpty)
    }

    @Test func `a local traffic policy sees the endpoints of the node alone`() {
        var entry = service("a", nodePort: 30080, endpoints: [])
        entry.externalTrafficPolicy = .local
        entry.ports[0].endpoints = [
            ServiceEndpoint(address: SocketAddress("10.0.0.1:80")!, nodeName: "node-1"),
            ServiceEndpoint(address: SocketAddress("10.0.0.2:80")!, nodeName: "node-2"),
        ]
        let listeners = entry.frontends(on: node)
        #expect(listeners[key("127.0.0.1:30080")]?.endpoints == [SocketAddress("10.0.0.1:80")!])
        #expect(listeners[key("127.96.0.10:80")]?.endpoints.count == 2)
    }

    @Test func `an address reaches the endpoints of its own family`() {
        var entry = service("a", endpoints: ["10.0.0.1:80", "[2001:db8::1]:80"])
        entry.clusterIPs.append(IPAddress("fd00::10")!)
        let listeners = entry.frontends(on: node)
        #expect(listeners[key("127.96.0.10:80")]?.endpoints == [SocketAddress("10.0.0.1:80")!])
        #expect(listeners[key("[fd00::10]:80")]?.endpoints == [SocketAddress("[2001:db8::1]:80")!])
    }
}
