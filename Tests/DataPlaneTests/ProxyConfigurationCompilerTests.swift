import KubeModel
import NetworkTypes
import ProxyEngine
import Testing
import TrafficModel

@testable import DataPlane

@Suite("Compiling routes for the L7 proxy") struct ProxyConfigurationCompilerTests {
    private let compiler = ProxyConfigurationCompiler(listeners: [])

    private func table(_ name: String = "store", host: String, paths: [RoutePath], secret: String? = nil) -> RouteTable
    {
        RouteTable(
            metadata: ObjectMeta(name: name, namespace: "shop", generation: 3),
            spec: RouteTableSpec(
                rules: [RouteTableRule(host: host, paths: paths)],
                tls: secret.map { [RouteTableTLS(hosts: [host], secretName: $0)] }))
    }

    private func backends(_ routes: CompiledRoutes) -> [ServiceBackend: BackendResolution] {
        let service = Service(
            metadata: ObjectMeta(name: "web", namespace: "shop"),
            spec: ServiceSpec(ports: [ServicePort(name: "http", port: 80)]))
        let slice = EndpointSlice(
            metadata: ObjectMeta(name: "web-1", namespace: "shop", labels: ["kubernetes.io/service-name": "web"]),
            addressType: "IPv4", endpoints: [Endpoint(addresses: ["10.0.0.1"])],
            ports: [EndpointPort(name: "http", port: 8080)])
        let table = ServiceTable(services: [service], slices: [slice])
        return Dictionary(uniqueKeysWithValues: routes.backends.map { ($0, table.resolve($0)) })
    }

    private func path(_ path: String, _ service: String, type: String = "Prefix") -> RoutePath {
        RoutePath(
            path: path, pathType: type,
            backend: RouteBackend(serviceName: service, port: ServiceBackendPort(number: 80)))
    }

    @Test func `routes point to the endpoints of their Services, each Service once`() {
        let routes = CompiledRoutes(compiling: [
            table(host: "a.example.com", paths: [path("/", "web"), path("/x", "web", type: "Exact")])
        ])
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: [:])
        #expect(result.upstreams.map(\.name) == ["shop/web:80"])
        #expect(result.upstreams[0].endpoints == [SocketAddress("10.0.0.1:8080")!])
        #expect(result.hosts.map(\.host) == [.exact("a.example.com")])
        #expect(result.hosts[0].routes.map(\.path).sorted() == ["/", "/x"])
        #expect(result.hosts[0].redirectsToHTTPS == false)
    }

    @Test func `the filters of a table are those of its routes and of its default backend`() {
        func filtered(_ name: String, _ host: String, _ filters: RouteFilters?, isDefault: Bool = false) -> RouteTable {
            var table = table(name, host: host, paths: [path("/\(name)", "web")])
            table.spec?.filters = filters
            if isDefault { table.spec?.defaultBackend = path("/", "web").backend }
            return table
        }
        let guarded = RouteFilters(sources: RouteSources(allow: ["10.0.0.0/8"]))
        let routes = CompiledRoutes(compiling: [
            filtered("a", "a.example.com", guarded, isDefault: true), filtered("b", "a.example.com", nil),
            filtered("c", "c.example.com", RouteFilters(sources: RouteSources(deny: ["nonsense"]))),
        ])
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: [:])
        let sources = SourceRule(allowed: AddressSet([CIDR("10.0.0.0/8")!]))
        let hosts = Dictionary(uniqueKeysWithValues: result.hosts.map { ("\($0.host)", $0) })
        let of = hosts["a.example.com"]?.routes.reduce(into: [:]) { $0[$1.path] = $1.filters?.sources }
        #expect(of == ["/a": sources])
        #expect(hosts["a.example.com"]?.defaultFilters?.sources == sources)
        #expect(result.defaultFilters?.sources == sources)
        // What nobody can read lets nobody in.
        let closed = hosts["c.example.com"]?.routes.first?.filters?.sources
        #expect(closed != nil && closed?.admits(.loopbackV4) == false)
    }

    @Test func `other names of a host share its certificate where it has them, and its redirects`() {
        var table = table(host: "a.com", paths: [path("/", "web")], secret: "tls")
        table.spec?.hostSettings = RouteHostSettings(
            aliases: ["b.com", "c.com"], appRoot: "/app", redirectsWWW: true)
        let routes = CompiledRoutes(compiling: [table])
        let key = NamespacedName(namespace: "shop", name: "tls")
        let secret = TLSSecret(certificateChainPEM: [1], privateKeyPEM: [2], dnsNames: ["a.com", "b.com", "www.a.com"])
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: [key: secret])
        #expect(result.certificates.map(\.hosts) == [["a.com", "b.com", "www.a.com"]])
        let hosts = Dictionary(uniqueKeysWithValues: result.hosts.map { ("\($0.host)", $0) })
        #expect(
            hosts.mapValues(\.redirectsToHTTPS) == ["a.com": true, "b.com": true, "c.com": false, "www.a.com": true])
        let root = hosts["a.com"]?.routes.first { $0.match == .exact }?.filters?.redirect
        #expect(root?.status == 302 && root?.location.last == .text(Array("/app".utf8)))
        let other = hosts["www.a.com"]?.routes.first?.filters?.redirect
        #expect(
            other
                == RedirectRule(
                    status: 308, location: [.scheme, .text(Array("://a.com".utf8)), .port, .pathAndQuery]))
        // What is meant to be closed is not opened by a Secret that is missing.
        let closed = compiler.compile(routes: routes, backends: backends(routes), secrets: [:])
        #expect(closed.hosts.map(\.redirectsToHTTPS).contains(false) == false)
    }

    @Test func `what a route says that its backends speak counts before the port's appProtocol`() {
        var grpc = path("/grpc", "web")
        grpc.backend?.appProtocol = "grpc"
        let routes = CompiledRoutes(compiling: [
            table(host: "a.example.com", paths: [path("/", "web"), grpc])
        ])
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: [:])
        let versions = Dictionary(uniqueKeysWithValues: result.upstreams.map { ($0.name, $0.version) })
        #expect(versions == ["shop/web:80": .http1, "shop/web:80 (grpc)": .http2])
        #expect(result.upstreams.allSatisfy { $0.endpoints == [SocketAddress("10.0.0.1:8080")!] })
        let backend = ServiceBackend(service: NamespacedName(namespace: "shop", name: "web"), port: nil)
        let spoken = { (appProtocol: String?) in
            let resolution = BackendResolution.endpoints([], appProtocol: appProtocol)
            return (version: resolution.version(backend), tls: resolution.tls(backend))
        }
        #expect(spoken("kubernetes.io/h2c").version == .http2)
        #expect(spoken("kubernetes.io/ws").version == .http1)
        #expect(spoken("http").version == .http1)
        #expect(spoken("http").tls == nil)
        #expect(spoken("https").version == .http1 && spoken("https").tls == UpstreamTLS())
        #expect(spoken("grpcs").version == .http2 && spoken("grpcs").tls == UpstreamTLS())
        #expect(spoken(nil).version == .http1)
    }

    @Test func `a backend that is missing has no endpoints`() {
        let routes = CompiledRoutes(compiling: [table(host: "a.example.com", paths: [path("/", "nobody")])])
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: [:])
        #expect(result.upstreams.map(\.endpoints) == [[]])
    }

    @Test func `a host that tls names redirects, whatever the state of its Secret`() {
        var without = table("three", host: "c.example.com", paths: [path("/", "web")])
        without.spec?.tls = [RouteTableTLS(hosts: ["C.example.com", "*.wild.example.com"])]
        let routes = CompiledRoutes(compiling: [
            table("one", host: "a.example.com", paths: [path("/", "web")], secret: "a-tls"),
            table("two", host: "b.example.com", paths: [path("/", "web")], secret: "absent"),
            without,
            table("four", host: "d.example.com", paths: [path("/", "web")]),
            table("five", host: "x.wild.example.com", paths: [path("/", "web")]),
            table("six", host: "*.wild.example.com", paths: [path("/", "web")]),
        ])
        let secrets = [
            NamespacedName(namespace: "shop", name: "a-tls"): TLSSecret(certificateChainPEM: [1], privateKeyPEM: [2])
        ]
        let result = compiler.compile(routes: routes, backends: backends(routes), secrets: secrets)
        #expect(result.certificates.map(\.hosts) == [["a.example.com"]])
        let redirecting = result.hosts.filter(\.redirectsToHTTPS).map { "\($0.host)" }
        #expect(
            Set(redirecting)
                == ["a.example.com", "b.example.com", "c.example.com", "x.wild.example.com", "*.wild.example.com"])
    }

    @Test func `where tls names no hosts, those redirect that the certificate names and the same table serves`() {
        var open = table("open", host: "a.example.com", paths: [path("/", "web")])
        open.spec?.rules?.append(RouteTableRule(host: "other.example.com", paths: [path("/", "web")]))
        open.spec?.tls = [RouteTableTLS(hosts: nil, secretName: "open-tls")]
        let routes = CompiledRoutes(compiling: [
            open, table("stranger", host: "b.example.com", paths: [path("/", "web")]),
        ])
        let secret = TLSSecret(
            certificateChainPEM: [1], privateKeyPEM: [2], dnsNames: ["a.example.com", "b.example.com"])
        let result = compiler.compile(
            routes: routes, backends: backends(routes),
            secrets: [NamespacedName(namespace: "shop", name: "open-tls"): secret])
        #expect(result.hosts.filter(\.redirectsToHTTPS).map { "\($0.host)" } == ["a.example.com"])
    }

    @Test func `every certificate without hosts is shown for the names in it`() {
        let tables = ["one", "two"].map { name in
            var table = table(name, host: "\(name).example.com", paths: [path("/", "web")])
            table.spec?.tls = [RouteTableTLS(hosts: nil, secretName: "\(name)-tls")]
            return table
        }
        let routes = CompiledRoutes(compiling: tables)
        let result = compiler.compile(
            routes: routes, backends: backends(routes),
            secrets: [
                NamespacedName(namespace: "shop", name: "one-tls"):
                    TLSSecret(certificateChainPEM: [1], privateKeyPEM: [1], dnsNames: ["one.example.com"]),
                NamespacedName(namespace: "shop", name: "two-tls"):
                    TLSSecret(certificateChainPEM: [2], privateKeyPEM: [2], dnsNames: ["*.example.com"]),
            ])
        #expect(result.certificates.map(\.certificateChainPEM) == [[1], [2]])
        #expect(result.hosts.allSatisfy { $0.redirectsToHTTPS })
    }

    @Test func `a certificate without hosts speaks for the names in it, after the named ones`() {
        var open = table("open", host: "a.example.com", paths: [path("/", "web")])
        open.spec?.tls = [RouteTableTLS(hosts: nil, secretName: "open-tls")]
        let routes = CompiledRoutes(compiling: [
            open, table("named", host: "b.example.com", paths: [path("/", "web")], secret: "b-tls"),
        ])
        let secret = TLSSecret(certificateChainPEM: [1], privateKeyPEM: [2])
        let result = compiler.compile(
            routes: routes, backends: backends(routes),
            secrets: [
                NamespacedName(namespace: "shop", name: "open-tls"): secret,
                NamespacedName(namespace: "shop", name: "b-tls"): secret,
            ])
        #expect(result.certificates.map(\.hosts) == [["b.example.com"], []])
    }

    @Test func `a table is acknowledged once for each generation`() throws {
        let original = table(host: "a.example.com", paths: [path("/", "web")])
        let now = try #require(Timestamp("2026-01-02T03:04:05Z"))
        let updated = try #require(RouteTableAcknowledger.acknowledge(original, conflicts: [], now: now))
        let condition = try #require(updated.status?.conditions?.first)
        #expect(condition.type == "Programmed" && condition.status == "True" && condition.observedGeneration == 3)
        #expect(RouteTableAcknowledger.acknowledge(updated, conflicts: [], now: now) == nil)
        let older = table("a-store", host: "a.example.com", paths: [path("/", "web")])
        let conflicts = CompiledRoutes(compiling: [original, older]).conflicts
        let shadowed = try #require(RouteTableAcknowledger.acknowledge(updated, conflicts: conflicts, now: now))
        #expect(shadowed.status?.conditions?.first?.reason == "Shadowed")
        #expect(shadowed.status?.conditions?.first?.status == "False")
        #expect(shadowed.status?.conditions?.first?.message == "a.example.com/ belongs to shop/a-store")
        let two = table(host: "a.example.com", paths: [path("/", "web"), path("/own", "web")])
        let partly = try #require(RouteTableAcknowledger.acknowledge(two, conflicts: conflicts, now: now))
        #expect(partly.status?.conditions?.first?.reason == "PartlyShadowed")
        #expect(partly.status?.conditions?.first?.status == "True")
    }
}
