import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of EndpointSlices") struct EndpointSliceStrategyTests {
    static let strategy = EndpointSliceStrategy(addressRule: EndpointAddressRule(allowsLoopback: false))

    static func slice(_ type: String, _ endpoints: [JSONValue], ports: [JSONValue] = []) -> JSONValue {
        [
            "metadata": ["name": "web-1"], "addressType": .string(type), "endpoints": .array(endpoints),
            "ports": .array(ports),
        ]
    }

    static func many(_ count: Int, _ make: (Int) -> JSONValue) -> [JSONValue] { (0..<count).map(make) }

    static let cases: [RefusalCase] = [
        RefusalCase("a good slice", slice("IPv4", [["addresses": ["10.0.0.1"]]], ports: [["port": 80]])),
        RefusalCase("no type", ["metadata": ["name": "a"]], "addressType: Required value"),
        RefusalCase(
            "an unknown type", slice("IPv5", []),
            "addressType: Unsupported value: \"IPv5\": supported values: \"FQDN\", \"IPv4\", \"IPv6\""),
        RefusalCase(
            "1001 endpoints", slice("IPv4", many(1001) { _ in ["addresses": ["10.0.0.1"]] }),
            "endpoints: Too many: 1001: must have at most 1000 items"),
        RefusalCase("1000 endpoints", slice("IPv4", many(1000) { _ in ["addresses": ["10.0.0.1"]] })),
        RefusalCase(
            "addresses that are none, too many or of the other family",
            slice("IPv4", [[:], ["addresses": .array(many(101) { _ in "10.0.0.1" })], ["addresses": ["fd00::1"]]]),
            "endpoints[0].addresses: Required value: must contain at least 1 address",
            "endpoints[1].addresses: Too many: 101: must have at most 100 items",
            "endpoints[2].addresses[0]: Invalid value: \"fd00::1\": must be a valid IPv4 address"),
        RefusalCase(
            "an address with leading zeros", slice("IPv4", [["addresses": ["010.0.0.1"]]]),
            "endpoints[0].addresses[0]: Invalid value: \"010.0.0.1\": must be a valid IPv4 address",
            "endpoints[0].addresses[0]: Invalid value: \"010.0.0.1\": \(Wording.address)"),
        RefusalCase(
            "special addresses", slice("IPv6", [["addresses": ["::1"]], ["addresses": ["fe80::1"]]]),
            "endpoints[0].addresses[0]: Invalid value: \"::1\": may not be in the loopback range (127.0.0.0/8, "
                + "::1/128)",
            "endpoints[1].addresses[0]: Invalid value: \"fe80::1\": may not be in the link-local range "
                + "(169.254.0.0/16, "
                + "fe80::/10)"),
        RefusalCase(
            "names for addresses", slice("FQDN", [["addresses": ["a.example.com", "localhost", ""]]]),
            "endpoints[0].addresses[1]: Invalid value: \"localhost\": should be a domain with at least two segments "
                + "separated by dots", "endpoints[0].addresses[2]: Required value"),
        RefusalCase(
            "names of endpoints",
            slice("IPv4", [["addresses": ["10.0.0.1"], "hostname": "A", "nodeName": "N"]]),
            "endpoints[0].nodeName: Invalid value: \"N\": \(Wording.subdomain)",
            "endpoints[0].hostname: Invalid value: \"A\": \(Wording.label)"),
        RefusalCase(
            "hints",
            slice(
                "IPv4",
                [
                    ["addresses": ["10.0.0.1"], "hints": ["forZones": [["name": "a"], ["name": "a"]]]],
                    [
                        "addresses": ["10.0.0.1"],
                        "hints": ["forZones": .array(many(9) { ["name": .string("z\($0)")] })],
                    ],
                ]), "endpoints[0].hints.forZones[1].name: Duplicate value: \"a\"",
            "endpoints[1].hints.forZones: Too many: 9: must have at most 8 items"),
        RefusalCase(
            "ports",
            slice(
                "IPv4", [],
                ports: [["name": "a", "port": 0], ["name": "a", "port": 80, "protocol": "X"], ["name": "B"]]),
            "ports[0].port: Invalid value: 0: \(Wording.port)", "ports[1].name: Duplicate value: \"a\"",
            "ports[1].protocol: Unsupported value: \"X\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
            "ports[2].name: Invalid value: \"B\": \(Wording.label)"),
        RefusalCase(
            "20,001 ports", slice("IPv4", [], ports: many(20_001) { ["name": .string("p\($0)")] }),
            "ports: Too many: 20001: must have at most 20000 items"),
    ]

    @Test(arguments: cases)
    func `a slice is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(Self.strategy)
    }

    @Test func `addresses that are not written canonically and names are taken with a warning`() {
        let strategy = Self.strategy
        var slice = Self.slice("IPv6", [["addresses": ["fd00::1"]], ["addresses": ["FD00::2"]]])
        let warning =
            "endpoints[1].addresses[0]: IPv6 address \"FD00::2\" should be in RFC 5952 canonical format (\"fd00::2\")"
        #expect(strategy.warnings(for: slice, replacing: nil) == [warning])
        slice["metadata"]["labels"] = ["endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"]
        #expect(strategy.warnings(for: slice, replacing: nil) == [])
        let names = Self.slice("FQDN", [["addresses": ["a.example.com"]]])
        #expect(
            strategy.warnings(for: names, replacing: nil) == ["spec.addressType: FQDN endpoints are deprecated"])
        #expect(strategy.warnings(for: names, replacing: names) == [])
    }

    @Test func `what v1beta1 had as topology is dropped`() throws {
        let stored = try #require(
            StrategyFixture(strategy: Self.strategy).create(
                Self.slice("IPv4", [["addresses": ["10.0.0.1"], "deprecatedTopology": ["a": "b"]]])
            ).document)
        #expect(stored["endpoints"] == [["addresses": ["10.0.0.1"]]])
    }

    @Test func `ports get a name and a protocol`() throws {
        let stored = try #require(
            StrategyFixture(strategy: Self.strategy).create(Self.slice("IPv4", [], ports: [["port": 80]])).document)
        #expect(stored["ports"] == [["port": 80, "name": "", "protocol": "TCP"]])
    }

    @Test func `the address type can't be changed`() {
        let old = Self.slice("IPv4", [])
        #expect(
            StrategyFixture(strategy: Self.strategy).update(Self.slice("IPv6", []), from: old).refusals
                == ["addressType: Invalid value: \"IPv6\": field is immutable"])
    }
}
