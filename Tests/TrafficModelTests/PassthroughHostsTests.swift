import KubeModel
import Testing

@testable import TrafficModel

@Suite("Hosts whose TLS is not ended here") struct PassthroughHostsTests {
    private static func table(
        _ name: String, namespace: String = "shop", host: String? = "a.example", path: String = "/", age: Int64,
        passes: Bool = true, _ clients: RouteTableClientCertificates? = nil
    ) -> RouteTable {
        let backend = RouteBackend(
            serviceName: name, port: ServiceBackendPort(number: 443), appProtocol: "https",
            policy: RouteBackendPolicy(tls: RouteBackendTLS()))
        return RouteTable(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: RouteTableSpec(
                controllerName: "c",
                rules: [RouteTableRule(host: host, paths: [RoutePath(path: path, backend: backend)])],
                clientCertificates: clients, passesTLSThrough: passes,
                sourceCreationTimestamp: Timestamp(secondsSinceEpoch: age)))
    }

    private static func host(_ tables: RouteTable...) -> CompiledRoutes.Host? {
        CompiledRoutes(compiling: tables).exactHosts["a.example"]
    }

    @Test func `the backend of the root gets the connections, spoken to as it is`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("web", age: 1), Self.table("wild", host: "*.B.example", age: 2),
            Self.table("plain", host: "c.example", age: 3, passes: false), Self.table("none", host: nil, age: 4),
        ])
        let through = try #require(routes.exactHosts["a.example"]?.passthrough)
        let backend = try #require(through.backend)
        #expect(backend.description == "shop/web:443 passthrough")
        #expect(routes.backends.contains(backend))
        #expect(routes.wildcardHosts["b.example"]?.passthrough?.backend?.service.name == "wild")
        #expect(routes.exactHosts["c.example"]?.passthrough == nil && routes.anyHost.passthrough == nil)
        #expect(Self.host(Self.table("web", path: "/deep", age: 1))?.passthrough == nil)
    }

    @Test func `a host belongs to the namespace that had it first`() {
        let first = Self.table("first", age: 1, passes: false)
        let sister = Self.table("sister", age: 2)
        let thief = Self.table("thief", namespace: "other", age: 0 + 3)
        #expect(Self.host(first, thief)?.passthrough == nil)
        #expect(Self.host(first, thief, sister)?.passthrough?.table.name == "sister")
        #expect(Self.host(thief, sister, first)?.passthrough?.table.name == "sister")
        let conflicts = CompiledRoutes(compiling: [first, thief]).conflicts.filter { $0.table.name == "thief" }
        #expect(conflicts.contains { $0.reason?.contains("older Ingresses of another namespace") == true })
    }

    @Test func `where clients must show certificates nothing is passed`() throws {
        let word = RouteTableClientCertificates(secretName: "ca")
        for tables in [
            [Self.table("web", age: 1, word)],
            [Self.table("guard", path: "/x", age: 1, passes: false, word), Self.table("web", age: 2)],
        ] {
            let routes = CompiledRoutes(compiling: tables)
            let through = try #require(routes.exactHosts["a.example"]?.passthrough)
            #expect(through.backend == nil && through.table.name == "web")
        }
    }
}
