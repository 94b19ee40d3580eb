import KubeModel
import NetworkTypes
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("A change reaches those whom it concerns")
struct TrafficStateTests {
    private let state = TrafficState()
    private let web = NamespacedName(namespace: "shop", name: "web")

    private var backend: ServiceBackend { ServiceBackend(service: web, port: .number(80)) }

    private func add(_ name: String, endpoint: String) throws {
        let service = Service(
            metadata: ObjectMeta(name: name, namespace: "shop"),
            spec: ServiceSpec(clusterIP: "10.96.0.1", ports: [ServicePort(name: "http", port: 80)]))
        state.setService(NamespacedName(service.metadata), KeptService(service).entry)
        try move(name, to: endpoint)
    }

    private func move(_ name: String, to endpoint: String) throws {
        let slice = EndpointSlice(
            metadata: ObjectMeta(name: "\(name)-1", namespace: "shop", labels: ["kubernetes.io/service-name": name]),
            addressType: "IPv4", endpoints: [Endpoint(addresses: [endpoint])],
            ports: [EndpointPort(name: "http", port: 8080)])
        state.setSlice(NamespacedName(slice.metadata), KeptSlice(slice).entry)
    }

    @Test func `an endpoint of a followed Service changes its own backend and no route`() throws {
        try add("web", endpoint: "10.0.0.1")
        #expect(state.follow([backend])[backend]?.endpoints == [SocketAddress("10.0.0.1:8080")!])
        #expect(state.backendsChanged.takeRaised() == false)
        try move("web", to: "10.0.0.2")
        #expect(state.backendsChanged.takeRaised())
        #expect(!state.routesChanged.takeRaised())
        #expect(state.takeBackendChanges().mapValues(\.endpoints) == [backend: [SocketAddress("10.0.0.2:8080")!]])
        #expect(state.takeBackendChanges().isEmpty)
    }

    @Test func `a Service that no route names raises nothing for routes`() throws {
        _ = state.follow([backend])
        try add("other", endpoint: "10.0.0.1")
        try move("other", to: "10.0.0.2")
        #expect(!state.backendsChanged.takeRaised())
        #expect(!state.routesChanged.takeRaised())
        #expect(state.servicesChanged.takeRaised())
        #expect(state.takeServiceChanges().changes.map(\.key.name) == ["other"])
    }

    @Test func `what was enforced again in between is not forgotten when it goes back`() throws {
        try add("web", endpoint: "10.0.0.1")
        #expect(state.takeServiceChanges().changes.count == 1)
        try add("late", endpoint: "10.0.0.9")
        try move("web", to: "10.0.0.2")
        // Somebody flushed the rules: everything is enforced as it is now.
        let again = state.takeServiceChanges(repeating: .ofAll).changes
        #expect(again.map(\.key.name) == ["late", "web"])
        #expect(
            again.map { $0.after?.ports.first?.endpoints.map(\.address.ip.description) } == [
                ["10.0.0.9"], ["10.0.0.2"],
            ])
        try move("web", to: "10.0.0.1")
        state.setService(NamespacedName(namespace: "shop", name: "late"), nil)
        let changes = state.takeServiceChanges().changes
        #expect(changes.map(\.key.name) == ["late", "web"])
        #expect(changes.map { $0.after?.ports.first?.endpoints.map(\.address.ip.description) } == [nil, ["10.0.0.1"]])
    }

    @Test func `a Service that went is named by the batch that repeats all`() throws {
        try add("web", endpoint: "10.0.0.1")
        _ = state.takeServiceChanges()
        state.setService(web, nil)
        let changes = state.takeServiceChanges(repeating: .ofAll).changes
        #expect(changes.map(\.key.name) == ["web"])
        #expect(changes.first?.after == nil && changes.first?.before != nil)
        #expect(state.takeServiceChanges(repeating: .of([web])).changes.map(\.key) == [web])
    }

    @Test func `a Service that comes after its route is heard of`() throws {
        #expect(state.follow([backend]) == [backend: .missingService])
        try add("web", endpoint: "10.0.0.1")
        #expect(state.backendsChanged.takeRaised())
        #expect(state.takeBackendChanges()[backend]?.endpoints.count == 1)
    }

    @Test func `the status of a table costs no compilation`() {
        var table = RouteTable(
            metadata: ObjectMeta(name: "t", namespace: "shop", uid: "1", labels: ["a": "b"], annotations: ["c": "d"]),
            spec: RouteTableSpec(rules: []))
        table.reduceToUsed()
        #expect(table.metadata.labels == nil && table.metadata.annotations == nil && table.metadata.uid == "1")
        let key = NamespacedName(table.metadata)
        state.setTable(key, table)
        #expect(state.routesChanged.takeRaised())
        table.status = RouteTableStatus(conditions: [])
        state.setTable(key, table)
        #expect(!state.routesChanged.takeRaised())
        state.setTable(key, nil)
        #expect(state.routesChanged.takeRaised())
    }

    @Test func `of a Secret the key is kept, once, and nothing else`() throws {
        let issued = try CertificateAuthority.create(commonName: "test").issueServer(dnsNames: ["a.example.com"])
        let secret = Secret(
            metadata: ObjectMeta(name: "tls", namespace: "shop", annotations: ["a": "b"]), type: "kubernetes.io/tls",
            data: [
                "tls.crt": Base64.encode(issued.certificatePEM), "tls.key": Base64.encode(issued.keyPEM),
                "other": "AAAA",
            ])
        let kept = try KeptSecret(encoded: secret.encoded())
        #expect(kept.certificate?.privateKeyPEM == issued.keyPEM)
        #expect(kept.metadata == ObjectMeta(name: "tls", namespace: "shop"))
        // Arrays share their storage: what the state and the engine get is the informer's own.
        let shared = try #require(kept.certificate)
        state.setSecret(NamespacedName(kept.metadata), shared)
        let held = try #require(state.routingInputs().secrets[NamespacedName(kept.metadata)])
        let isSame = shared.privateKeyPEM.withUnsafeBufferPointer { first in
            held.privateKeyPEM.withUnsafeBufferPointer { first.baseAddress == $0.baseAddress }
        }
        #expect(isSame)
        // Garbage in its place takes nothing away; only its end does.
        state.setSecret(NamespacedName(kept.metadata), nil)
        #expect(state.routingInputs().secrets.count == 1)
        state.removeSecret(NamespacedName(kept.metadata))
        #expect(state.routingInputs().secrets.isEmpty)
    }
}
