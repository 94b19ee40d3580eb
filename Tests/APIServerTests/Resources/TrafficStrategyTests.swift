import KubeModel
import NetworkTypes
import Testing

@testable import APIServer

struct AddressPoolStrategyTests {
    static func pool(_ addresses: [JSONValue], _ namespaces: [JSONValue] = []) -> JSONValue {
        ["metadata": ["name": "p"], "spec": ["addresses": .array(addresses), "serviceNamespaces": .array(namespaces)]]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", pool(["192.0.2.0/28", "192.0.2.64-192.0.2.80", "fd00::1", "127.1.0.0/24"], ["shop"])),
        RefusalCase("nothing", pool([]), "spec.addresses: Required value: must contain at least 1 range"),
        RefusalCase(
            "what is no range", pool(["x", "192.0.2.9-192.0.2.1", "224.0.0.0/28"]),
            "spec.addresses[0]: Invalid value: \"x\": must be an address, a CIDR or a range, (e.g. 192.0.2.1, 192.0.2.0/28 "
                + "or 192.0.2.64-192.0.2.80)",
            "spec.addresses[1]: Invalid value: \"192.0.2.9-192.0.2.1\": must be an address, a CIDR or a range, (e.g. "
                + "192.0.2.1, 192.0.2.0/28 or 192.0.2.64-192.0.2.80)",
            "spec.addresses[2]: Invalid value: \"224.0.0.0/28\": may hold only unicast addresses"),
        RefusalCase(
            "an overlap", pool(["192.0.2.0/28", "192.0.2.15-192.0.2.20"], ["N"]),
            "spec.addresses[1]: Invalid value: \"192.0.2.15-192.0.2.20\": overlaps with 192.0.2.0/28",
            "spec.serviceNamespaces[0]: Invalid value: \"N\": \(Wording.label)"),
    ]

    @Test(arguments: cases)
    func `an AddressPool is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(AddressPoolStrategy())
    }
}

struct RouteTableStrategyTests {
    static let backend: JSONValue = ["serviceName": "web", "port": ["number": 80]]

    static func table(_ spec: JSONObject) -> JSONValue {
        var spec = spec
        if spec["controllerName"] == nil { spec["controllerName"] = "martlet.dev/ingress" }
        return ["metadata": ["name": "t"], "spec": .object(spec)]
    }

    static let cases: [RefusalCase] = [
        RefusalCase(
            "good",
            table([
                "ingressClassName": "shop",
                "rules": [
                    [
                        "host": "*.example.com",
                        "paths": [["path": "/", "pathType": "Prefix", "backend": backend]],
                    ]
                ], "defaultBackend": ["serviceName": "web", "port": ["name": "http"]],
                "tls": [["hosts": ["a.example.com"], "secretName": "tls"]],
            ])),
        RefusalCase("no controller", table(["controllerName": ""]), "spec.controllerName: Required value"),
        RefusalCase(
            "bad routes",
            table([
                "rules": [
                    [
                        "host": "10.0.0.1",
                        "paths": [["path": "/a//b", "pathType": "ImplementationSpecific", "backend": [:]]],
                    ], ["paths": [["path": "/a//b", "pathType": "Exact", "backend": backend]]],
                ]
            ]), "spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
            "spec.rules[0].paths[0].pathType: Unsupported value: \"ImplementationSpecific\": supported values: \"Exact\", "
                + "\"Prefix\"", "spec.rules[0].paths[0].backend.serviceName: Required value",
            "spec.rules[0].paths[0].backend: Required value: port name or number is required",
            "spec.rules[1].paths[0].path: Invalid value: \"/a//b\": must not contain '//'"),
    ]

    @Test(arguments: cases)
    func `a RouteTable is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(RouteTableStrategy())
    }
}

struct BuiltInResourcesTests {
    let registry: ResourceRegistry

    init() throws {
        let range = try #require(CIDR("127.96.0.0/16"))
        registry = try BuiltInResources.registry(ranges: AllocationRanges(serviceCIDRs: [range]))
    }

    static let expected: [(path: String, kind: String, namespaced: Bool, short: [String], hasStatus: Bool)] = [
        ("/v1/configmaps", "ConfigMap", true, ["cm"], false), ("/v1/endpoints", "Endpoints", true, ["ep"], false),
        ("/v1/events", "Event", true, ["ev"], false), ("/v1/namespaces", "Namespace", false, ["ns"], true),
        ("/v1/nodes", "Node", false, ["no"], true), ("/v1/pods", "Pod", true, ["po"], true),
        ("/v1/secrets", "Secret", true, [], false), ("/v1/serviceaccounts", "ServiceAccount", true, ["sa"], false),
        ("/v1/services", "Service", true, ["svc"], true),
        ("coordination.k8s.io/v1/leases", "Lease", true, [], false),
        ("discovery.k8s.io/v1/endpointslices", "EndpointSlice", true, [], false),
        ("events.k8s.io/v1/events", "Event", true, ["ev"], false),
        ("networking.k8s.io/v1/ingressclasses", "IngressClass", false, [], false),
        ("networking.k8s.io/v1/ingresses", "Ingress", true, ["ing"], true),
        ("traffic.martlet.dev/v1/addresspools", "AddressPool", false, ["pool"], true),
        ("traffic.martlet.dev/v1/routetables", "RouteTable", true, ["rt"], true),
    ]

    @Test func `every kind is served under its names`() {
        let served = registry.strategies.map(\.definition).map {
            ("\($0.group)/\($0.version)/\($0.plural)", $0.kind, $0.namespaced, $0.shortNames, $0.hasStatus)
        }.sorted { $0.0 < $1.0 }
        #expect(served.count == Self.expected.count)
        for (one, other) in zip(served, Self.expected) { #expect(one == other) }
        for strategy in registry.strategies where strategy.definition.kind != "Endpoints" {
            #expect(strategy.definition.singular == strategy.definition.kind.lowercased())
        }
    }

    @Test func `every promised field selector has a value on an empty object`() {
        for strategy in registry.strategies {
            let fields = strategy.selectableFields(of: [:])
            for name in strategy.selectableFieldNames {
                #expect(fields[name] != nil, "\(strategy.definition.kind) \(name)")
            }
        }
    }

    @Test func `pods and services are part of all`() {
        #expect(
            registry.strategies.filter { $0.definition.categories == ["all"] }.map(\.definition.kind) == [
                "Pod", "Service",
            ])
    }

    @Test func `ranges of one family twice are refused`() throws {
        let range = try #require(CIDR("10.0.0.0/16"))
        #expect(throws: AllocationRangeError.self) {
            try BuiltInResources.registry(ranges: AllocationRanges(serviceCIDRs: [range, range]))
        }
    }
}
