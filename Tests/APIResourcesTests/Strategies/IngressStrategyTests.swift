import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of Ingresses") struct IngressStrategyTests {
    static let service: JSONValue = ["service": ["name": "web", "port": ["number": 80]]]

    static func ingress(_ spec: JSONValue) -> JSONValue { ["metadata": ["name": "web"], "spec": spec] }
    static func path(_ path: JSONValue, _ type: JSONValue = "Prefix", backend: JSONValue = service) -> JSONValue {
        ingress(["rules": [["http": ["paths": [["path": path, "pathType": type, "backend": backend]]]]]])
    }

    static let first = "spec.rules[0].http.paths[0]"
    static let pathCases: [(path: String, messages: [String])] = [
        ("/", []), ("/a/b", []), ("/a/", []), ("/a..b", []), ("/%2e", []), ("a", ["must be an absolute path"]),
        ("", ["must be an absolute path"]), ("/a//b", ["must not contain '//'"]),
        ("/a/./b", ["must not contain '/./'"]),
        ("/a/../b", ["must not contain '/../'"]), ("/a%2fb", ["must not contain '%2f'"]),
        ("/a%2Fb", ["must not contain '%2F'"]), ("/a/..", ["cannot end with '/..'"]),
        ("/a/.", ["cannot end with '/.'"]),
        ("//../.", ["must not contain '//'", "must not contain '/../'", "cannot end with '/.'"]),
    ]

    @Test(arguments: pathCases, ["Exact", "Prefix"])
    func `paths are judged as by Kubernetes`(_ example: (path: String, messages: [String]), type: String) {
        let refusals = example.messages.map { "\(Self.first).path: Invalid value: \"\(example.path)\": \($0)" }
        let object = Self.path(.string(example.path), .string(type))
        var example = RefusalCase("", object)
        example.refusals = refusals
        example.expect(IngressStrategy(defaultClasses: DefaultIngressClasses()))
    }

    static let cases: [RefusalCase] = [
        RefusalCase("a default backend alone", ingress(["defaultBackend": service])),
        RefusalCase("any path for an implementation", path("/a//../b", "ImplementationSpecific")),
        RefusalCase("no path for an implementation", path("", "ImplementationSpecific")),
        RefusalCase(
            "a relative path for an implementation", path("a", "ImplementationSpecific"),
            "\(first).path: Invalid value: \"a\": must be an absolute path"),
        RefusalCase("no path type", path("/", .null), "\(first).pathType: Required value: pathType must be specified"),
        RefusalCase(
            "an unknown path type", path("/", "Regex"),
            "\(first).pathType: Unsupported value: \"Regex\": supported values: \"Exact\", \"ImplementationSpecific\", "
                + "\"Prefix\""),
        RefusalCase(
            "neither rules nor a default backend", ingress([:]),
            "spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"),
        RefusalCase(
            "no paths", ingress(["rules": [["http": ["paths": []]]]]), "spec.rules[0].http.paths: Required value"),
        RefusalCase(
            "hosts",
            ingress([
                "rules": [
                    ["host": "10.0.0.1"], ["host": "*.example.com"], ["host": "a.*.example.com"], ["host": "*"],
                    ["host": "UP.example.com"], ["host": "shop.example.com"],
                ]
            ]), "spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
            "spec.rules[2].host: Invalid value: \"a.*.example.com\": \(Wording.wildcard)",
            "spec.rules[3].host: Invalid value: \"*\": \(Wording.wildcard)",
            "spec.rules[4].host: Invalid value: \"UP.example.com\": \(Wording.subdomain)"),
        RefusalCase(
            "no backend", path("/", backend: [:]),
            "\(first).backend: Invalid value: \"\": resource or service backend is required"),
        RefusalCase(
            "two backends",
            path(
                "/",
                backend: ["service": ["name": "a", "port": ["number": 1]], "resource": ["kind": "B", "name": "b"]]),
            "\(first).backend: Invalid value: \"\": cannot set both resource and service backends"),
        RefusalCase(
            "a service without name and port", path("/", backend: ["service": [:]]),
            "\(first).backend.service.name: Required value",
            "\(first).backend: Required value: port name or number is required"),
        RefusalCase(
            "two ports", path("/", backend: ["service": ["name": "a", "port": ["number": 1, "name": "b"]]]),
            "\(first).backend: Invalid value: \"\": cannot set both port name & port number"),
        RefusalCase(
            "a port out of range", path("/", backend: ["service": ["name": "a", "port": ["number": 70000]]]),
            "\(first).backend.service.port.number: Invalid value: 70000: \(Wording.port)"),
        RefusalCase(
            "an incomplete resource", path("/", backend: ["resource": ["apiGroup": "A", "kind": "a/b"]]),
            "\(first).backend.resource.apiGroup: Invalid value: \"A\": \(Wording.subdomain)",
            "\(first).backend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
            "\(first).backend.resource.name: Required value"),
        RefusalCase(
            "TLS and class",
            ingress([
                "defaultBackend": service, "tls": [["hosts": ["A", "*.b"], "secretName": "S"]], "ingressClassName": "C",
            ]), "spec.tls[0].hosts[0]: Invalid value: \"A\": \(Wording.subdomain)",
            "spec.tls[0].secretName: Invalid value: \"S\": \(Wording.subdomain)",
            "spec.ingressClassName: Invalid value: \"C\": \(Wording.subdomain)"),
    ]

    @Test(arguments: cases)
    func `an Ingress is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(IngressStrategy(defaultClasses: DefaultIngressClasses()))
    }

    @Test func `field and annotation must not name different classes`() {
        var object = Self.ingress(["defaultBackend": Self.service, "ingressClassName": "shop"])
        object["metadata"]["annotations"] = ["kubernetes.io/ingress.class": "other"]
        let fixture = StrategyFixture(strategy: IngressStrategy(defaultClasses: DefaultIngressClasses()))
        #expect(
            fixture.create(object).refusals == [
                "annotations.kubernetes.io/ingress.class: Invalid value: \"other\": must match `ingressClassName` when "
                    + "both are specified"
            ])
        #expect(fixture.update(object, from: Self.ingress([:])).refusals.isEmpty)
        let strategy = fixture.strategy
        #expect(strategy.warnings(for: object, replacing: nil).isEmpty)
        object["metadata"]["annotations"] = ["kubernetes.io/ingress.class": "shop"]
        #expect(fixture.create(object).refusals.isEmpty)
        object["spec"]["ingressClassName"] = nil
        #expect(strategy.warnings(for: object, replacing: nil).count == 1)
        #expect(strategy.warnings(for: object, replacing: object).isEmpty)
    }

    @Test func `an update may keep what was stored before the rules came`() {
        let fixture = StrategyFixture(strategy: IngressStrategy(defaultClasses: DefaultIngressClasses()))
        let rule: JSONValue = ["host": "*.example.com", "http": ["paths": [["path": "x", "pathType": "Exact"]]]]
        let old = Self.ingress([
            "rules": [rule, ["host": "example.com"]], "tls": [["secretName": "A"]],
        ])
        #expect(!fixture.create(old).refusals.isEmpty)
        var new = old
        new["metadata"]["labels"] = ["a": "b"]
        #expect(fixture.update(new, from: old).refusals == [])
        new["spec"]["rules"] = [["host": "example.com", "http": [:]]]
        #expect(fixture.update(new, from: old).refusals == ["spec.rules[0].http.paths: Required value"])
        let valid = Self.ingress(["defaultBackend": Self.service])
        #expect(!fixture.update(old, from: valid).refusals.isEmpty)
    }

    @Test func `an Ingress without a class gets the newest default class`() throws {
        let classes = DefaultIngressClasses()
        let ingresses = StrategyFixture(strategy: IngressStrategy(defaultClasses: classes))
        let strategy = IngressClassStrategy(defaultClasses: classes)
        let fixture = StrategyFixture(strategy: strategy)
        func ingressClass(_ name: String, _ created: String, isDefault: String) -> JSONValue {
            [
                "metadata": [
                    "name": .string(name), "creationTimestamp": .string(created),
                    "annotations": ["ingressclass.kubernetes.io/is-default-class": .string(isDefault)],
                ], "spec": ["controller": "example.com/ingress"],
            ]
        }
        let object = Self.ingress(["defaultBackend": Self.service])
        func given() -> String? { ingresses.create(object).document?["spec"]["ingressClassName"].string }

        #expect(given() == nil)
        strategy.restore(ingressClass("old", "2024-01-01T00:00:00Z", isDefault: "true"))
        #expect(given() == "old")
        _ = fixture.create(ingressClass("other", "2026-01-01T00:00:00Z", isDefault: "false"))
        #expect(given() == "old")
        let b = try #require(fixture.create(ingressClass("b", "2025-01-01T00:00:00Z", isDefault: "true")).document)
        _ = fixture.create(ingressClass("a", "2025-01-01T00:00:00Z", isDefault: "true"))
        #expect(given() == "a")
        strategy.release(ingressClass("a", "2025-01-01T00:00:00Z", isDefault: "true"))
        #expect(given() == "b")
        _ = fixture.update(ingressClass("b", "2025-01-01T00:00:00Z", isDefault: "no"), from: b)
        #expect(given() == "old")

        var named = object
        named["metadata"]["annotations"] = ["kubernetes.io/ingress.class": "mine"]
        #expect(ingresses.create(named).document?["spec"]["ingressClassName"] == nil)
    }

    @Test func `a status write keeps the spec and checks addresses`() {
        let fixture = StrategyFixture(strategy: IngressStrategy(defaultClasses: DefaultIngressClasses()))
        let old = Self.ingress(["defaultBackend": Self.service])
        var changed = Self.ingress([:])
        changed["status"] = ["loadBalancer": ["ingress": [["ip": "192.0.2.1"]]]]
        #expect(fixture.updateStatus(changed, from: old).document?["spec"] == old["spec"])
        changed["status"] = ["loadBalancer": ["ingress": [["ip": "1", "hostname": "A", "ports": [["port": 0]]]]]]
        let path = "status.loadBalancer.ingress[0]"
        #expect(
            fixture.updateStatus(changed, from: old).refusals == [
                "\(path).ip: Invalid value: \"1\": \(Wording.address)",
                "\(path).hostname: Invalid value: \"A\": \(Wording.subdomain)",
            ])
    }
}
