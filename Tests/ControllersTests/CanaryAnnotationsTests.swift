import KubeModel
import Testing
import TrafficModel

@testable import Controllers

@Suite("Annotations about canaries") struct CanaryAnnotationsTests {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    private static func prefixed(_ annotations: [String: String]) -> [String: String] {
        Dictionary(uniqueKeysWithValues: annotations.map { (prefix + $0.key, $0.value) })
    }

    private static func read(_ annotations: [String: String]) -> CanaryAnnotations {
        CanaryAnnotations(prefixed(annotations))
    }

    @Test func `they are read as ingress-nginx does`() {
        #expect(Self.read([:]).canary == nil)
        #expect(Self.read(["canary": "false"]).canary == nil)
        #expect(Self.read(["canary": "true"]).canary == RouteCanary())
        let word = Self.read(["canary": "True", "canary-by-header": "X-New", "canary-weight": "30"])
        #expect(word.canary == RouteCanary(header: "X-New", weight: 30))
        let full = Self.read([
            "canary": "true", "canary-by-header": "X-New", "canary-by-header-pattern": "^(beta|gamma)$",
            "canary-by-cookie": "new", "canary-weight": "5", "canary-weight-total": "1000",
            "affinity-canary-behavior": "legacy",
        ])
        #expect(full.problems == [])
        #expect(
            full.canary
                == RouteCanary(
                    header: "X-New", headerPattern: "^(beta|gamma)$", cookie: "new", weight: 5, weightTotal: 1000,
                    affinity: "legacy"))
        #expect(IngressAnnotations(Self.prefixed(["canary": "true", "canary-weight": "5"])).ignored == [])
    }

    @Test(arguments: [
        (["canary": "maybe"], "canary", nil as RouteCanary?),
        (["canary-weight": "5"], "canary-weight", nil),
        (["affinity-canary-behavior": "legacy"], "affinity-canary-behavior", nil),
        (["canary": "true", "canary-weight": "101"], "canary-weight", RouteCanary(weight: 101)),
        (["canary": "true", "canary-weight": "-1"], "canary-weight", RouteCanary()),
        (["canary": "true", "canary-weight": "half"], "canary-weight", RouteCanary()),
        (["canary": "true", "canary-weight-total": "0"], "canary-weight-total", RouteCanary()),
        (["canary": "true", "canary-by-header": "a b"], "canary-by-header", RouteCanary()),
        (["canary": "true", "canary-by-header-value": "x"], "canary-by-header-value", RouteCanary()),
        (["canary": "true", "canary-by-cookie": "a;b"], "canary-by-cookie", RouteCanary()),
        (["canary": "true", "affinity-canary-behavior": "new"], "affinity-canary-behavior", RouteCanary()),
        // A pattern that is none matches nothing, and is not taken for always and never either.
        (
            ["canary": "true", "canary-by-header": "x", "canary-by-header-pattern": "(?=a)"],
            "canary-by-header-pattern", RouteCanary()
        ),
        (
            [
                "canary": "true", "canary-by-header": "x", "canary-by-header-value": "1",
                "canary-by-header-pattern": "2",
            ], "canary-by-header-pattern", RouteCanary(header: "x", headerValue: "1")
        ),
    ])
    func `what cannot be is told of by its annotation, and the rest counts`(
        annotations: [String: String], name: String, expected: RouteCanary?
    ) {
        let read = Self.read(annotations)
        #expect(read.canary == expected)
        #expect(read.problems.count == 1)
        #expect(read.problems.first?.hasPrefix("\(Self.prefix)\(name): ") == true)
    }

    // MARK: Compiled

    private static func compile(
        _ annotations: [String: String] = [:], main: RouteTable? = nil, winner: NamespacedName? = nil,
        change: (inout Ingress) -> Void = { _ in }
    ) -> CompiledIngress {
        var ingress = Sample.ingress("new", [("a.example.com", "/", "Prefix", "new")], change: change)
        ingress.metadata.annotations = prefixed(["canary": "true", "canary-weight": "10"].merging(annotations) { $1 })
        return IngressCompiler(
            controllerName: "martlet.dev/ingress", service: { name in Sample.service(name) },
            secretProblem: { _ in nil }, winner: { _ in winner },
            main: { _ in
                guard let main, let path = main.spec?.rules?.first?.paths?.first else { return nil }
                return (table: main, path: path)
            }
        ).compile(ingress, className: "martlet")
    }

    private static func main(
        namespace: String = "shop", controller: String = "martlet.dev/ingress",
        backend: RouteBackend? = RouteBackend(serviceName: "web", port: ServiceBackendPort(number: 80))
    ) -> RouteTable {
        RouteTable(
            metadata: ObjectMeta(name: "main", namespace: namespace),
            spec: RouteTableSpec(
                controllerName: controller,
                rules: [
                    RouteTableRule(
                        host: "a.example.com", paths: [RoutePath(path: "/", pathType: "Prefix", backend: backend)])
                ]))
    }

    @Test func `a canary has its routes and what chooses its endpoints, and leaves the rest to its main Ingress`() {
        let compiled = Self.compile(
            ["backend-protocol": "GRPC", "load-balance": "ewma", "affinity": "cookie"], main: Self.main()
        ) { ingress in
            ingress.spec?.tls = [IngressTLS(hosts: ["a.example.com"], secretName: "cert")]
            ingress.spec?.defaultBackend = Sample.backend("new")
        }
        let spec = compiled.table.spec
        #expect(spec?.canary == RouteCanary(weight: 10))
        #expect(spec?.tls == nil && spec?.defaultBackend == nil)
        #expect(
            spec?.rules?[0].paths?[0].backend
                == RouteBackend(
                    serviceName: "new", port: ServiceBackendPort(number: 80),
                    policy: RouteBackendPolicy(balancing: "peak-ewma")))
        #expect(compiled.problems.map(\.reason) == ["InvalidAnnotation", "UnsupportedBackend"])
        #expect(compiled.problems.allSatisfy { $0.concern == .none })
        #expect(Self.compile(main: Self.main()).problems == [])
    }

    @Test(arguments: [
        (nil as RouteTable?, "is in no other Ingress"), (main(namespace: "other"), "is served by other/main"),
        (main(controller: "partner.example/ingress"), "is served by shop/main"),
        (main(backend: nil), "has no backend in shop/main"),
        (
            main(backend: RouteBackend(serviceName: "new", port: ServiceBackendPort(number: 80))),
            "has the same backend in shop/main"
        ),
    ])
    func `a canary that gets no requests is told why`(main: RouteTable?, reason: String) {
        let problems = Self.compile(main: main).problems
        #expect(problems.map(\.reason) == ["CanaryNotServed"])
        #expect(problems.first?.concern == .acceptance)
        #expect(
            problems.first?.message.hasPrefix("host \"a.example.com\" path \"/\" (Prefix) \(reason)") == true,
            "\(problems)")
    }

    @Test func `a second canary of a route is told of the first`() {
        let problems = Self.compile(main: Self.main(), winner: Sample.key("first")).problems
        #expect(problems.map(\.reason) == ["Conflict"])
        #expect(problems.first?.message.hasSuffix("has the older canary shop/first already") == true)
    }

    @Test func `a guard that is not understood keeps a canary from its requests`() {
        let compiled = Self.compile(["auth-snippet": "deny all;"], main: Self.main())
        #expect(compiled.table.spec?.rules?[0].paths?[0].backend == nil)
        #expect(Set(compiled.problems.map(\.reason)) == ["UnsupportedGuard", "CanaryNotServed"])
    }
}
