import KubeModel
import Testing
import TrafficModel

@Suite("Canaries among compiled routes") struct CanaryRoutesTests {
    private static func canary(
        _ name: String, age: Int64 = 0, namespace: String = "shop", _ rules: [RouteTableRule],
        rule: RouteCanary = RouteCanary(weight: 10)
    ) -> RouteTable {
        var table = Sample.table(name, age: age, namespace: namespace, rules)
        table.spec?.canary = rule
        return table
    }

    private static func rules(_ service: String) -> [RouteTableRule] {
        [Sample.rule("a.com", [("/", "Prefix", service)])]
    }

    @Test func `a canary stands beside the main route, however old it is`() throws {
        for age: Int64 in [0, 100] {
            let routes = CompiledRoutes(compiling: [
                Self.canary("new", age: age, Self.rules("new")), Sample.table("main", age: 50, Self.rules("web")),
            ])
            #expect(routes.conflicts == [])
            let route = try #require(routes.host(named: "a.com")?.route(forPath: "/x"))
            #expect(route.table == Sample.key("main") && route.backend?.service.name == "web")
            #expect(route.canary?.rule == RouteCanary(weight: 10))
            #expect(route.canary?.backend.description == "shop/new:80 canary")
            #expect(route.canary?.table == Sample.key("new"))
            #expect(routes.backends.map(\.service.name).sorted() == ["new", "web"])
        }
    }

    @Test func `a canary takes protocol and sessions from its main route, but for legacy ones`() throws {
        var main = Sample.table("main", Self.rules("web"))
        main.spec?.rules?[0].paths?[0].backend?.appProtocol = "grpc"
        main.spec?.rules?[0].paths?[0].backend?.policy = RouteBackendPolicy(
            balancing: "peak-ewma", affinity: RouteBackendAffinity(path: "/"))
        for behavior in [nil, "sticky", "legacy"] {
            let routes = CompiledRoutes(compiling: [
                main, Self.canary("new", Self.rules("new"), rule: RouteCanary(weight: 1, affinity: behavior)),
            ])
            let backend = try #require(routes.host(named: "a.com")?.route(forPath: "/")?.canary?.backend)
            #expect(backend.appProtocol == "grpc")
            #expect(backend.policy.affinity == (behavior == "legacy" ? nil : RouteBackendAffinity(path: "/")))
            #expect(backend.policy.balancing == nil)
        }
    }

    @Test func `a canary alone serves nobody, and says so`() {
        let routes = CompiledRoutes(compiling: [
            Self.canary("new", Self.rules("new")),
            Sample.table("main", [Sample.rule("a.com", [("/", "Exact", "web")])]),
        ])
        #expect(routes.host(named: "a.com")?.route(forPath: "/x") == nil)
        #expect(routes.conflicts.map(\.table) == [Sample.key("new")] && routes.conflicts[0].winner == nil)
        #expect(CompiledRoutes(compiling: [Self.canary("new", Self.rules("new"))]).host(named: "a.com") == nil)
    }

    @Test func `the older one of two canaries takes the requests`() throws {
        let routes = CompiledRoutes(compiling: [
            Sample.table("main", Self.rules("web")), Self.canary("second", age: 1, Self.rules("second")),
            Self.canary("first", age: 2, Self.rules("first")),
        ])
        #expect(routes.host(named: "a.com")?.route(forPath: "/")?.canary?.table == Sample.key("first"))
        #expect(routes.conflicts.map(\.table) == [Sample.key("second")])
        #expect(routes.conflicts.first?.winner == Sample.key("first"))
    }

    @Test func `a canary of another namespace or controller takes nothing, and keeps no other from it`() throws {
        var foreign = Self.canary("partner", age: 8, Self.rules("partner"))
        foreign.spec?.controllerName = "partner.example/ingress"
        let routes = CompiledRoutes(compiling: [
            Sample.table("main", Self.rules("web")), foreign,
            Self.canary("thief", age: 9, namespace: "other", Self.rules("thief")),
            Self.canary("new", Self.rules("new")),
        ])
        #expect(routes.host(named: "a.com")?.route(forPath: "/")?.canary?.table == Sample.key("new"))
        #expect(Set(routes.conflicts.map(\.table.name)) == ["partner", "thief"])
    }

    @Test func `nothing stands beside a route that is closed`() {
        var main = Sample.table("main", Self.rules("web"))
        main.spec?.rules?[0].paths?[0].backend = nil
        let routes = CompiledRoutes(compiling: [main, Self.canary("new", Self.rules("new"))])
        #expect(routes.backend(host: "a.com", path: "/") == .some(nil))
        #expect(routes.host(named: "a.com")?.route(forPath: "/")?.canary == nil)
    }
}
