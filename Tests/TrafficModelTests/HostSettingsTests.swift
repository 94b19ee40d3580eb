import KubeModel
import Testing

@testable import TrafficModel

@Suite("What holds for hosts as a whole") struct HostSettingsTests {
    private static func table(
        _ name: String, _ hosts: [String?], path: String = "/", created: Int64 = 0, aliases: [String]? = nil,
        appRoot: String? = nil, www: Bool? = nil, change: (inout RouteTableSpec) -> Void = { _ in }
    ) -> RouteTable {
        let backend = RouteBackend(serviceName: name, port: ServiceBackendPort(number: 80))
        var spec = RouteTableSpec(
            controllerName: "c",
            rules: hosts.map { RouteTableRule(host: $0, paths: [RoutePath(path: path, backend: backend)]) },
            hostSettings: RouteHostSettings(aliases: aliases, appRoot: appRoot, redirectsWWW: www))
        change(&spec)
        return RouteTable(
            metadata: ObjectMeta(
                name: name, namespace: "n", creationTimestamp: Timestamp(secondsSinceEpoch: created)), spec: spec)
    }

    private static func redirection(
        _ routes: CompiledRoutes, _ host: String, _ path: String = "/"
    ) -> CompiledRoutes.Redirection? {
        routes.host(named: host)?.route(forPath: path)?.redirection
    }

    @Test func `another name is served as its host is, with the routes of every table`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("a", ["a.com"], aliases: ["old.com", "*.old.com"]),
            Self.table("b", ["a.com"], path: "/b", created: 5),
        ])
        #expect(routes.conflicts == [])
        for name in ["a.com", "OLD.com", "x.old.com"] {
            #expect(routes.backend(host: name, path: "/x").flatMap { $0 }?.service.name == "a")
            #expect(routes.backend(host: name, path: "/b/c").flatMap { $0 }?.service.name == "b")
        }
        #expect(routes.backend(host: "y.x.old.com", path: "/") == nil)
        #expect(routes.namesakes == ["old.com": "a.com", "*.old.com": "a.com"])
    }

    @Test func `a name that is a host stays one, and of two hosts with the same other name the older has it`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("a", ["a.com"], aliases: ["b.com", "c.com", "a.com"]),
            Self.table("b", ["b.com"], created: 5, aliases: ["c.com"]),
            Self.table("many", ["d.com", "e.com"], created: 6, aliases: ["f.com"]),
        ])
        func backend(_ host: String) -> String? { routes.backend(host: host, path: "/").flatMap { $0 }?.service.name }
        #expect(backend("b.com") == "b" && backend("c.com") == "a" && backend("f.com") == "many")
        #expect(routes.namesakes == ["c.com": "a.com", "f.com": "d.com"])
        #expect(
            routes.conflicts.map { "\($0.table.name) \($0.host)\($0.path) \($0.reason ?? "")" } == [
                "a b.com is a host of its own, and no other name of a.com", "b c.com stands for a.com already",
            ])
    }

    @Test func `the root is sent to a path, whichever table has it, by the word of the oldest`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("app", ["a.com"], path: "/app", created: 5, appRoot: "/app"),
            Self.table("root", ["a.com"], created: 1) { $0.rules?[0].paths?[0].pathType = "Exact" },
            Self.table("late", ["a.com"], path: "/late", created: 9, aliases: ["z.com"], appRoot: "/late"),
            Self.table("regex", ["r.com"], path: "/.*", appRoot: "/r") { $0.pathPatterns = true },
        ])
        #expect(Self.redirection(routes, "a.com") == .path("/app"))
        #expect(Self.redirection(routes, "z.com") == .path("/app"))
        #expect(Self.redirection(routes, "a.com", "/app") == nil)
        #expect(Self.redirection(routes, "r.com") == .path("/r"))
        #expect(Self.redirection(routes, "r.com", "/x") == nil)
        #expect(routes.backend(host: "a.com", path: "/app/x").flatMap { $0 }?.service.name == "app")
    }

    @Test func `without rules it is for hosts that nobody has`() {
        let backend = RouteBackend(serviceName: "all", port: ServiceBackendPort(number: 80))
        let routes = CompiledRoutes(compiling: [
            Self.table("all", [], appRoot: "/all") { $0.defaultBackend = backend }, Self.table("a", ["a.com"]),
        ])
        #expect(Self.redirection(routes, "other.com") == .path("/all"))
        #expect(Self.redirection(routes, "a.com") == nil)
        #expect(routes.backend(host: "other.com", path: "/x").flatMap { $0 }?.service.name == "all")
    }

    @Test func `with and without www it is one host, unless the other is one of its own`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("a", ["a.com", "www.b.com", "*.d.com", nil], www: true),
            Self.table("c", ["c.com", "www.c.com"], created: 5, www: true),
        ])
        #expect(Self.redirection(routes, "www.a.com", "/x") == .host("a.com"))
        #expect(Self.redirection(routes, "b.com", "/x") == .host("www.b.com"))
        for host in ["a.com", "www.b.com", "c.com", "www.c.com", "www.d.com"] {
            #expect(Self.redirection(routes, host, "/x") == nil)
        }
        #expect(
            routes.conflicts.map(\.reason) == [
                "is a host of its own, and is not sent to c.com", "is a host of its own, and is not sent to www.c.com",
            ])
    }

    @Test func `other names ask for the certificates of clients that their host asks for`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("a", ["a.com"], aliases: ["b.com"], appRoot: "/x") {
                $0.clientCertificates = RouteTableClientCertificates(secretName: "clients")
            }
        ])
        let host = routes.exactHosts["b.com"]
        #expect(host?.clientCertificates?.policy.secretName == "clients")
        #expect(host?.routes.allSatisfy { $0.clientCertificates?.policy.secretName == "clients" } == true)
        #expect(host?.routes.count == 2)
    }

    @Test(arguments: [
        ("/app", nil), ("/a?b=c", nil), ("", "is no path that begins with a slash, without variables"),
        ("app", "is no path that begins with a slash, without variables"),
        ("/a b", "is no path that begins with a slash, without variables"),
        ("/$uri", "is no path that begins with a slash, without variables"),
        ("/a\r\nSet-Cookie: b", "is no path that begins with a slash, without variables"),
        ("/", "is the root itself"), ("/?a", "is the root itself"), ("//", "is the root itself"),
        ("/%2F", "is the root itself"), ("/x/..", "is the root itself"), ("/./?a", "is the root itself"),
        ("/" + String(repeating: "a", count: 1_024), "has more than 1024 characters"),
    ])
    func `the root is sent to paths alone`(path: String, problem: String?) {
        #expect(RouteHostSettings.problem(ofAppRoot: path) == problem)
    }
}
