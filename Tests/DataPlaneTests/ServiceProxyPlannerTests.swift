import KubeModel
import NetworkTypes
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Planning listeners") struct ServiceProxyPlannerTests {
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

    private func key(_ address: String) -> ServiceListenerKey {
        ServiceListenerKey(transport: .tcp, address: SocketAddress(address)!)
    }

    private func kinds(_ changes: [ServiceProxyPlanner.Change]) -> [String] {
        changes.map { change in
            switch change {
            case .open(let key, _): "open \(key)"
            case .update(let key, _): "update \(key)"
            case .close(let key): "close \(key)"
            }
        }.sorted()
    }

    @Test func `a Service opens its cluster IP and its node port`() {
        var planner = ServiceProxyPlanner()
        let entry = service("a", nodePort: 30080)
        let changes = planner.update(entry.key, wanted: entry.listeners(on: node))
        #expect(kinds(changes) == ["open 127.0.0.1:30080/TCP", "open 127.96.0.10:80/TCP"])
        #expect(planner.update(entry.key, wanted: entry.listeners(on: node)).isEmpty)
    }

    @Test func `an address without endpoints has no listener`() {
        var planner = ServiceProxyPlanner()
        let empty = service("a", endpoints: [])
        #expect(planner.update(empty.key, wanted: empty.listeners(on: node)).isEmpty)
        let ready = service("a")
        #expect(kinds(planner.update(ready.key, wanted: ready.listeners(on: node))) == ["open 127.96.0.10:80/TCP"])
        let more = service("a", endpoints: ["10.0.0.1:80", "10.0.0.2:80"])
        #expect(kinds(planner.update(more.key, wanted: more.listeners(on: node))) == ["update 127.96.0.10:80/TCP"])
        #expect(kinds(planner.update(empty.key, wanted: empty.listeners(on: node))) == ["close 127.96.0.10:80/TCP"])
    }

    @Test func `an address that two Services claim stays with the first and moves when it is free`() {
        var planner = ServiceProxyPlanner()
        let first = service("b")
        let second = service("a")
        _ = planner.update(first.key, wanted: first.listeners(on: node))
        #expect(planner.update(second.key, wanted: second.listeners(on: node)).isEmpty)
        #expect(planner.conflicts(of: second.key).map(\.winner) == [first.key])
        #expect(planner.conflicts(of: first.key).isEmpty)
        let changes = planner.update(first.key, wanted: [:])
        #expect(kinds(changes) == ["update 127.96.0.10:80/TCP"])
        #expect(planner.listeners[key("127.96.0.10:80")]?.backend.port.service == second.key)
        #expect(planner.conflicts(of: second.key).isEmpty)
    }

    @Test func `headless and external-name Services have no addresses`() {
        var headless = service("a")
        headless.form = .headless
        #expect(headless.listeners(on: node).isEmpty)
        var external = service("a")
        external.form = .externalName("example.com")
        #expect(external.listeners(on: node).isEmpty)
    }

    @Test func `a local traffic policy sees the endpoints of the node alone`() {
        var entry = service("a", nodePort: 30080, endpoints: [])
        entry.externalTrafficPolicy = .local
        entry.ports[0].endpoints = [
            ServiceEndpoint(address: SocketAddress("10.0.0.1:80")!, nodeName: "node-1"),
            ServiceEndpoint(address: SocketAddress("10.0.0.2:80")!, nodeName: "node-2"),
        ]
        let listeners = entry.listeners(on: node)
        #expect(listeners[key("127.0.0.1:30080")]?.endpoints == [SocketAddress("10.0.0.1:80")!])
        #expect(listeners[key("127.96.0.10:80")]?.endpoints.count == 2)
    }

    @Test func `an address reaches the endpoints of its own family`() {
        var entry = service("a", endpoints: ["10.0.0.1:80", "[2001:db8::1]:80"])
        entry.clusterIPs.append(IPAddress("fd00::10")!)
        let listeners = entry.listeners(on: node)
        #expect(listeners[key("127.96.0.10:80")]?.endpoints == [SocketAddress("10.0.0.1:80")!])
        #expect(listeners[key("[fd00::10]:80")]?.endpoints == [SocketAddress("[2001:db8::1]:80")!])
    }
}
