import KubeModel
import Testing
import TrafficModel

@Suite("Compiled routes") struct CompiledRoutesTests {
    private func service(_ routes: CompiledRoutes, _ host: String, _ path: String) -> String? {
        routes.backend(host: host, path: path).flatMap { $0 }?.service.name
    }

    /// Kubernetes, Ingress, "Examples" of path types.
    @Test(
        arguments: [
            ("/", "/foo/bar", true), ("/foo", "/foo", true), ("/foo", "/foo/", true), ("/foo/", "/foo", true),
            ("/foo/", "/foo/", true), ("/aaa/bb", "/aaa/bbb", false), ("/aaa/bbb", "/aaa/bbb", true),
            ("/aaa/bbb/", "/aaa/bbb", true), ("/aaa/bbb", "/aaa/bbb/", true), ("/aaa/bbb", "/aaa/bbb/ccc", true),
            ("/aaa/bbb", "/aaa/bbbxyz", false), ("/foo", "/FOO", false), ("/foo", "/", false), ("/", "/", true),
        ])
    func prefixesMatchByElement(prefix: String, path: String, isMatch: Bool) {
        #expect(RoutePathMatcher.prefix(prefix, covers: path) == isMatch)
    }

    @Test(
        arguments: [
            ("/cart", "exact"), ("/cart/", "cart"), ("/cart/items", "cart"), ("/cart/items/5", "cart"),
            ("/cart/checkout", "checkout"), ("/cart/checkout/now", "checkout"), ("/cartoon", "root"), ("/", "root"),
            ("/only", "only"), ("/only/", "root"),
        ])
    func exactPathsComeFirstThenTheLongestPrefix(path: String, expected: String) {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "shop",
                [
                    Sample.rule(
                        "shop.example.com",
                        [
                            ("/", "Prefix", "root"), ("/cart", "Prefix", "cart"), ("/cart", "Exact", "exact"),
                            ("/cart/checkout", "Prefix", "checkout"), ("/only", "Exact", "only"),
                        ])
                ])
        ])
        #expect(service(routes, "shop.example.com", path) == expected)
    }

    @Test func `what lies below a path of an unknown kind is not opened`() {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "t",
                [Sample.rule("a.example.com", [("/", "Prefix", "root"), ("/admin", "RegularExpression", "secret")])])
        ])
        #expect(routes.backend(host: "a.example.com", path: "/admin/x") == .some(nil))
        #expect(service(routes, "a.example.com", "/other") == "root")
    }

    @Test(
        arguments: [
            ("foo.example.com", "exact"), ("FOO.Example.Com", "exact"), ("bar.example.com", "wildcard"),
            ("a.bar.example.com", "any"), ("example.com", "any"), ("other.org", "any"), ("", "any"),
            (".example.com", "any"),
        ])
    func theMostSpecificHostAnswers(host: String, expected: String) {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "t",
                [
                    Sample.rule("foo.example.com", [("/", "Prefix", "exact")]),
                    Sample.rule("*.example.com", [("/", "Prefix", "wildcard")]),
                    Sample.rule(nil, [("/", "Prefix", "any")]),
                ])
        ])
        #expect(service(routes, host, "/") == expected)
    }

    @Test func anUnknownPathOfAKnownHostDoesNotFallToTheRoutesForEveryHost() {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "t", [Sample.rule("a.com", [("/a", "Prefix", "a")]), Sample.rule(nil, [("/", "Prefix", "any")])])
        ])
        #expect(routes.backend(host: "a.com", path: "/b") == nil)
    }

    @Test func theOlderIngressWinsAConflictWhateverTheOrder() {
        let old = Sample.table("old", age: 10, [Sample.rule("a.com", [("/x", "Prefix", "old")])])
        let young = Sample.table("young", age: 5, [Sample.rule("A.com", [("/x/", "Prefix", "young")])])
        for tables in [[old, young], [young, old]] {
            let routes = CompiledRoutes(compiling: tables)
            #expect(service(routes, "a.com", "/x") == "old")
            #expect(routes.conflicts.count == 1)
            #expect(routes.conflicts.first?.table == Sample.key("young"))
            #expect(routes.conflicts.first?.winner == Sample.key("old"))
        }
    }

    @Test func equalAgesAreDecidedByNamespaceAndName() {
        let tables = ["b", "a", "c"].map { Sample.table($0, [Sample.rule("a.com", [("/", "Prefix", $0)])]) }
        #expect(service(CompiledRoutes(compiling: tables), "a.com", "/") == "a")
    }

    @Test func exactAndPrefixOfTheSamePathAreNoConflict() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("a", [Sample.rule("a.com", [("/x", "Prefix", "p")])]),
            Sample.table("b", [Sample.rule("a.com", [("/x", "Exact", "e")])]),
        ])
        #expect(routes.conflicts.isEmpty)
        #expect(service(routes, "a.com", "/x") == "e")
        #expect(service(routes, "a.com", "/x/y") == "p")
    }

    @Test func tablesOfOneHostAreJoined() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("a", [Sample.rule("a.com", [("/a", "Prefix", "a")])]),
            Sample.table("b", namespace: "other", [Sample.rule("a.com", [("/b", "Prefix", "b")])]),
        ])
        #expect(service(routes, "a.com", "/a") == "a")
        #expect(
            routes.backend(host: "a.com", path: "/b")
                == .some(ServiceBackend(service: NamespacedName(namespace: "other", name: "b"), port: .number(80))))
    }

    @Test func defaultBackendsAnswerWhatNoRouteMatches() {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "hosted", age: 9, [Sample.rule("a.com", [("/a", "Prefix", "a")])],
                defaultBackend: Sample.backend("hosted")),
            Sample.table("global", defaultBackend: Sample.backend("global")),
        ])
        #expect(service(routes, "a.com", "/other") == "hosted")
        #expect(service(routes, "b.com", "/") == "global")
        #expect(routes.defaultBackend?.service.name == "global")
    }

    @Test func aDefaultBackendBesideRulesServesEveryOtherHostToo() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("t", [Sample.rule("a.com", [("/a", "Prefix", "a")])], defaultBackend: Sample.backend("d"))
        ])
        #expect(service(routes, "b.com", "/") == "d")
    }

    @Test func aHostWithoutPathsGoesToTheDefaultBackend() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("t", [RouteTableRule(host: "a.com")], defaultBackend: Sample.backend("d"))
        ])
        #expect(service(routes, "a.com", "/x") == "d")
    }

    @Test func aRouteWithoutBackendMatchesAndCannotBeServed() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("t", [RouteTableRule(host: "a.com", paths: [RoutePath(path: "/", pathType: "Prefix")])])
        ])
        #expect(routes.backend(host: "a.com", path: "/") == .some(nil))
        #expect(routes.backend(host: "b.com", path: "/") == nil)
    }

    @Test func certificatesAreChosenByServerName() {
        let routes = CompiledRoutes(compiling: [
            Sample.table("old", age: 5, tls: [RouteTableTLS(hosts: ["a.com"], secretName: "a")]),
            Sample.table(
                "new",
                tls: [
                    RouteTableTLS(hosts: ["A.com", "*.b.com"], secretName: "b"), RouteTableTLS(secretName: "any"),
                    RouteTableTLS(hosts: ["c.com"]),
                ]),
        ])
        #expect(routes.certificate(forServerName: "a.com")?.secret.name == "a")
        #expect(routes.certificate(forServerName: "X.b.com")?.secret.name == "b")
        #expect(routes.certificate(forServerName: "x.y.b.com")?.secret.name == "any")
        #expect(routes.certificate(forServerName: "c.com")?.secret.name == "any")
    }

    @Test func everyBackendIsListedOnce() {
        let routes = CompiledRoutes(compiling: [
            Sample.table(
                "t",
                [
                    Sample.rule("a.com", [("/a", "Prefix", "a"), ("/b", "Prefix", "a")]),
                    Sample.rule("*.a.com", [("/", "Prefix", "w")]), Sample.rule(nil, [("/", "Prefix", "n")]),
                ], defaultBackend: Sample.backend("d"))
        ])
        #expect(routes.backends.map(\.service.name).sorted() == ["a", "d", "n", "w"])
    }

    @Test func theResultDoesNotDependOnTheOrderOfTables() {
        let tables = (0..<20).map { number in
            Sample.table(
                "t\(number)", age: Int64(number % 3),
                [Sample.rule("h\(number % 4).com", [("/p\(number % 5)", "Prefix", "s\(number)")])])
        }
        let first = CompiledRoutes(compiling: tables)
        for _ in 0..<5 { #expect(CompiledRoutes(compiling: tables.shuffled()) == first) }
    }
}
