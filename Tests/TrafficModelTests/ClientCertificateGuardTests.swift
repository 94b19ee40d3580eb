import KubeModel
import Testing

@testable import TrafficModel

@Suite("What hosts ask of their clients") struct ClientCertificateGuardTests {
    private static let word = RouteTableClientCertificates(secretName: "ca")

    private static func table(
        _ name: String, namespace: String = "shop", host: String? = "a.example", path: String, age: Int64,
        _ clients: RouteTableClientCertificates? = nil, isDefault: Bool = false
    ) -> RouteTable {
        let backend = RouteBackend(serviceName: "web", port: ServiceBackendPort(number: 80))
        return RouteTable(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: RouteTableSpec(
                controllerName: "c",
                rules: isDefault ? nil : [RouteTableRule(host: host, paths: [RoutePath(path: path, backend: backend)])],
                defaultBackend: isDefault ? backend : nil, clientCertificates: clients,
                sourceCreationTimestamp: Timestamp(secondsSinceEpoch: age)))
    }

    private static func key(_ name: String, _ namespace: String = "shop") -> NamespacedName {
        NamespacedName(namespace: namespace, name: name)
    }

    @Test func `a host has one word, for its namespace and for who came later`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("older", namespace: "other", path: "/older", age: 1),
            Self.table("sister", path: "/sister", age: 2), Self.table("guard", path: "/guard", age: 3, Self.word),
            Self.table("later", namespace: "other", path: "/later", age: 4),
            Self.table("elsewhere", host: "b.example", path: "/", age: 5),
        ])
        let host = try #require(routes.exactHosts["a.example"])
        let word = ClientCertificateGuard(policy: Self.word, table: Self.key("guard"))
        #expect(host.clientCertificates == word && word.secret == Self.key("ca"))
        let guarded = Dictionary(uniqueKeysWithValues: host.routes.map { ($0.path, $0.clientCertificates) })
        #expect(guarded == ["/older": nil, "/sister": word, "/guard": word, "/later": word])
        #expect(host.routes.allSatisfy { $0.backend != nil })
        #expect(routes.exactHosts["b.example"]?.clientCertificates == nil)
    }

    @Test func `whoever wants another word gets no requests`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("first", path: "/first", age: 1, Self.word),
            Self.table("same", path: "/same", age: 2, Self.word),
            Self.table(
                "second", path: "/second", age: 3, RouteTableClientCertificates(secretName: "ca", mode: "optional")),
            Self.table("foreign", namespace: "other", path: "/foreign", age: 4, Self.word),
        ])
        let host = try #require(routes.exactHosts["a.example"])
        let served = Dictionary(uniqueKeysWithValues: host.routes.map { ($0.path, $0.backend != nil) })
        #expect(served == ["/first": true, "/same": true, "/second": false, "/foreign": false])
        #expect(routes.conflicts.map(\.path).sorted() == ["/foreign", "/second"])
        #expect(routes.conflicts.allSatisfy { $0.reason?.contains("shop/first") == true })
        #expect(host.routes.allSatisfy { $0.clientCertificates?.table == Self.key("first") })
    }

    @Test func `a default backend is guarded by its table`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("default", path: "", age: 1, Self.word, isDefault: true),
            Self.table("b", host: "b.example", path: "/b", age: 2),
        ])
        #expect(routes.defaultBackend != nil)
        #expect(routes.defaultClientCertificates?.table == Self.key("default"))
        #expect(CompiledRoutes(compiling: [Self.table("b", path: "/b", age: 2)]).defaultClientCertificates == nil)
    }
}
