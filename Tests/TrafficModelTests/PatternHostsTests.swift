import KubeModel
import Testing

@testable import TrafficModel

@Suite("Hosts whose paths are regular expressions") struct PatternHostsTests {
    private static func table(
        _ name: String, _ rules: [(host: String, paths: [String])], controller: String = "c", created: Int64 = 0,
        patterns: Bool? = nil, target: String? = nil, type: String = "Prefix"
    ) -> RouteTable {
        RouteTable(
            metadata: ObjectMeta(
                name: name, namespace: "n", creationTimestamp: Timestamp(secondsSinceEpoch: created)),
            spec: RouteTableSpec(
                controllerName: controller,
                rules: rules.map { rule in
                    RouteTableRule(
                        host: rule.host,
                        paths: rule.paths.map {
                            RoutePath(
                                path: $0, pathType: type,
                                backend: RouteBackend(serviceName: name, port: ServiceBackendPort(number: 80)))
                        })
                }, pathPatterns: patterns, rewrite: target.map { RouteRewrite(target: $0) }))
    }

    private static func name(_ routes: CompiledRoutes, _ host: String, _ path: String) -> String? {
        routes.backend(host: host, path: path).flatMap { $0 }?.service.name
    }

    @Test func `one table makes all paths of its host so, of its controller and of no other host`() {
        let routes = CompiledRoutes(compiling: [
            Self.table("regex", [("a.com", ["/x/[0-9]+"])], patterns: true),
            Self.table("plain", [("a.com", ["/foo"]), ("b.com", ["/foo"])]),
            Self.table("foreign", [("a.com", ["/foreign"])], controller: "d"),
        ])
        #expect(Self.name(routes, "a.com", "/X/12") == "regex")
        #expect(Self.name(routes, "a.com", "/FOObar") == "plain")
        #expect(Self.name(routes, "b.com", "/foobar") == nil)
        #expect(Self.name(routes, "b.com", "/foo/bar") == "plain")
        #expect(Self.name(routes, "a.com", "/foreign/x") == "foreign")
        #expect(Self.name(routes, "a.com", "/FOREIGN") == nil)
    }

    @Test func `a rewrite makes its host so where it changes a path`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("root", [("a.com", ["/"]), ("b.com", ["/", "/x(.*)"])], target: "/")
        ])
        #expect(routes.exactHosts["a.com"]?.routes.map(\.kind) == [.prefix])
        let host = try #require(routes.exactHosts["b.com"])
        #expect(host.routes.map(\.kind) == [.pattern, .pattern])
        #expect(host.routes.map(\.path) == ["/x(.*)", "/"])
        #expect(host.routes.map { $0.rewrite == nil } == [false, true])
    }

    @Test func `the longest text is asked first, of equals the greater, of the same path the older`() throws {
        let routes = CompiledRoutes(compiling: [
            Self.table("one", [("a.com", ["/a.*", "/b.*", "/abc/def", "/.*"])], patterns: true),
            Self.table("two", [("a.com", ["/a.*", "/.*/longer/than/others"])], created: 5),
        ])
        let host = try #require(routes.exactHosts["a.com"])
        #expect(host.routes.map(\.path) == ["/.*/longer/than/others", "/abc/def", "/b.*", "/a.*", "/.*"])
        #expect(routes.conflicts.map(\.table.name) == ["two"])
    }

    @Test func `what is too many is closed, and nothing else`() throws {
        let paths = (0..<CompiledRoutes.maxPatternsOfHost).map { "/p\(1000 + $0)/[0-9]+" }
        let routes = CompiledRoutes(compiling: [
            Self.table("first", [("a.com", paths)], patterns: true),
            Self.table("late", [("a.com", ["/Late/x.*"])], created: 9),
            Self.table("other", [("b.com", ["/x[0-9]"])], created: 9, patterns: true),
        ])
        #expect(Self.name(routes, "a.com", "/p1000/7") == "first")
        #expect(Self.name(routes, "a.com", "/p1255/7") == "first")
        #expect(routes.backend(host: "a.com", path: "/late/xy") == .some(nil))
        #expect(routes.backend(host: "a.com", path: "/later") == nil)
        #expect(Self.name(routes, "b.com", "/x1") == "other")
        #expect(routes.conflicts.map(\.table.name) == ["late"])
        #expect(routes.conflicts.first?.reason?.contains("a host may have 256") == true)
        let all = (0..<10).map { number in
            Self.table(
                "t\(number)", [("h\(number).com", (0..<250).map { "/q\($0)/[0-9]+" })], patterns: true)
        }
        let many = CompiledRoutes(compiling: all)
        #expect(many.conflicts.count == 2500 - CompiledRoutes.maxPatterns)
        #expect(many.conflicts.allSatisfy { $0.reason?.contains("there may be 2048") == true })
        // Whoever came first stays, whatever others call their hosts.
        let oldest = Self.table("oldest", [("z.com", ["/mine/[0-9]+"])], created: 0, patterns: true)
        let crowded = CompiledRoutes(compiling: all + [oldest])
        #expect(Self.name(crowded, "z.com", "/mine/1") == "oldest")
        #expect(!crowded.conflicts.contains { $0.table.name == "oldest" })
    }

    @Test func `a target that cannot be had has no backend`() {
        let routes = CompiledRoutes(compiling: [Self.table("bad", [("a.com", ["/x"])], target: "http://b.com/")])
        #expect(routes.backend(host: "a.com", path: "/x") == .some(nil))
    }
}
