import KubeModel
import TestSupport
import Testing
import TrafficModel

@testable import DataPlane
@testable import ProxyEngine

/// Two ways to one answer: the readable one that says where a request goes, and the hash tables that the proxy asks.
@Suite("Routing agreement") struct RoutingAgreementTests {
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `the proxy's tables send every request where the compiled routes say`(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        let tables = (0..<Int.random(in: 1...6, using: &generator)).map { Self.table($0, &generator) }
        let routes = CompiledRoutes(compiling: tables)
        let configuration = ProxyConfigurationCompiler(listeners: []).compile(
            routes: routes, backends: [:], secrets: [:])
        let table = RoutingTable(configuration)
        for _ in 0..<600 {
            let host = Self.host(&generator, isRequest: true)
            let path = Self.path(&generator)
            let match = Self.match(table, host: host, path: path)
            let found: ServiceBackend?? = routes.backend(host: host, path: path)
            let wanted = found.map { $0.map { "\($0)" } ?? "unavailable" }
            let actual = match.upstream < 0 ? nil : configuration.upstreams[Int(match.upstream)].name
            #expect(actual == wanted, "host \"\(host)\" path \"\(path)\"")
        }
    }

    private static func match(_ table: RoutingTable, host: String, path: String) -> RoutingTable.Match {
        let host = Array(host.utf8)
        let path = Array(path.utf8)
        return host.withUnsafeBufferPointer { host in
            path.withUnsafeBufferPointer { path in
                table.match(host: host.baseAddress!, host.count, path: path.baseAddress!, path.count)
            }
        }
    }

    private static func table(_ number: Int, _ generator: inout SeededRandom) -> RouteTable {
        let rules = (0..<Int.random(in: 0...4, using: &generator)).map { _ in
            RouteTableRule(
                host: host(&generator, isRequest: false),
                paths: (0..<Int.random(in: 0...5, using: &generator)).map { _ in
                    RoutePath(
                        path: path(&generator) + suffix(&generator),
                        pathType: Bool.random(using: &generator) ? "Exact" : "Prefix",
                        backend: backend(&generator))
                })
        }
        return RouteTable(
            metadata: ObjectMeta(
                name: "t\(number)", namespace: "n",
                creationTimestamp: Timestamp(secondsSinceEpoch: Int64.random(in: 0...3, using: &generator))),
            spec: RouteTableSpec(
                controllerName: Bool.random(using: &generator) ? "c" : "d", rules: rules,
                defaultBackend: Int.random(in: 0..<3, using: &generator) == 0 ? backend(&generator) : nil,
                pathPatterns: Int.random(in: 0..<4, using: &generator) == 0 ? true : nil))
    }

    /// Regular expressions, where paths are.
    private static func suffix(_ generator: inout SeededRandom) -> String {
        let suffixes = ["", "", "", ".*", "(/|$)a?", "[ab]+$", "|/b"]
        return suffixes[Int.random(in: 0..<suffixes.count, using: &generator)]
    }

    /// Few names, so that many are alike; nil for one that cannot be served.
    private static func backend(_ generator: inout SeededRandom) -> RouteBackend? {
        let number = Int.random(in: 0..<8, using: &generator)
        return number == 0 ? nil : RouteBackend(serviceName: "s\(number)", port: ServiceBackendPort(number: 80))
    }

    private static func host(_ generator: inout SeededRandom, isRequest: Bool) -> String {
        let labels = ["a", "B", "*", "example"]
        let count = Int.random(in: 1...3, using: &generator)
        var names = (0..<count).map { _ in labels[Int.random(in: 0..<labels.count, using: &generator)] }
        // A star stands only in front, and a client does not send it.
        for index in names.indices where names[index] == "*" && (isRequest || index > 0) { names[index] = "x" }
        if names == ["*"] || !isRequest && Int.random(in: 0..<6, using: &generator) == 0 { return "" }
        return names.joined(separator: ".")
    }

    /// As an Ingress may have it, and as the proxy has it after resolving dots and escapes.
    private static func path(_ generator: inout SeededRandom) -> String {
        let elements = ["a", "b", "aa", "\u{E9}", "e\u{301}"]
        let count = Int.random(in: 0...3, using: &generator)
        let names = (0..<count).map { _ in elements[Int.random(in: 0..<elements.count, using: &generator)] }
        let path = "/" + names.joined(separator: "/")
        return count > 0 && Bool.random(using: &generator) ? path + "/" : path
    }
}
