import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of IPAddressPools") struct IPAddressPoolStrategyTests {
    private static func strategy() throws -> IPAddressPoolStrategy {
        IPAddressPoolStrategy(
            pools: PoolRanges(), lengths: AggregationLengths(), allocations: try ServiceFixture().allocations)
    }

    static func pool(_ addresses: [JSONValue], _ allocation: JSONValue? = nil) -> JSONValue {
        var pool: JSONValue = ["metadata": ["name": "p"], "spec": ["addresses": .array(addresses)]]
        if let allocation { pool["spec"]["serviceAllocation"] = allocation }
        return pool
    }

    private static let form = "must be a CIDR or a range, (e.g. 192.0.2.0/28 or 192.0.2.64-192.0.2.80)"

    static let cases: [RefusalCase] = [
        RefusalCase(
            "good",
            pool(
                ["192.168.10.0/24", "192.168.9.1-192.168.9.5", "fc00:f853:0ccd:e799::/124"],
                [
                    "priority": 50, "namespaces": ["a", "b"], "namespaceSelectors": [["matchLabels": ["foo": "bar"]]],
                    "serviceSelectors": [["matchExpressions": [["key": "app", "operator": "In", "values": ["bar"]]]]],
                ])),
        RefusalCase("nothing", pool([]), "spec.addresses: Required value: must contain at least 1 range"),
        RefusalCase(
            "an address without a length, a range backwards and two families",
            pool(["192.0.2.1", "192.0.2.9-192.0.2.1", "192.0.2.1-fd00::1"]),
            "spec.addresses[0]: Invalid value: \"192.0.2.1\": \(form)",
            "spec.addresses[1]: Invalid value: \"192.0.2.9-192.0.2.1\": \(form)",
            "spec.addresses[2]: Invalid value: \"192.0.2.1-fd00::1\": \(form)"),
        RefusalCase(
            "what nobody can announce", pool(["224.0.0.0/28"]),
            "spec.addresses[0]: Invalid value: \"224.0.0.0/28\": may hold only unicast addresses"),
        RefusalCase(
            "an overlap", pool(["192.0.2.0/28", "192.0.2.15-192.0.2.20"]),
            "spec.addresses[1]: Invalid value: \"192.0.2.15-192.0.2.20\": overlaps with 192.0.2.0/28"),
        RefusalCase(
            "names and selectors twice",
            pool(
                ["192.0.2.0/28"],
                [
                    "namespaces": ["a", "a"],
                    "serviceSelectors": [
                        ["matchExpressions": [["key": "app", "operator": "In", "values": ["x", "y"]]]],
                        ["matchExpressions": [["key": "app", "operator": "In", "values": ["y", "x"]]]],
                    ],
                ]),
            "spec.serviceAllocation.namespaces[1]: Duplicate value: \"a\"",
            "spec.serviceAllocation.serviceSelectors[1]: Duplicate value: "
                + #"{"matchExpressions":[{"key":"app","operator":"In","values":["y","x"]}]}"#),
        RefusalCase(
            "a value twice in a selector",
            pool(
                ["192.0.2.0/28"],
                ["namespaceSelectors": [["matchExpressions": [["key": "a", "operator": "In", "values": ["x", "x"]]]]]]),
            "spec.serviceAllocation.namespaceSelectors[0].matchExpressions[0].values: Duplicate value: \"x\""),
        RefusalCase(
            "an operator that there is not",
            pool(
                ["192.0.2.0/28"],
                ["serviceSelectors": [["matchExpressions": [["key": "a", "operator": "Odd"]]]]]),
            "spec.serviceAllocation.serviceSelectors[0].matchExpressions[0].operator: Invalid value: \"Odd\": "
                + "not a valid selector operator"),
    ]

    @Test(arguments: cases)
    func `an IPAddressPool is refused with every reason, or taken`(_ example: RefusalCase) throws {
        example.expect(try Self.strategy())
    }

    @Test func `who takes ranges out of a pool in use is told that Services keep them`() throws {
        let strategy = try Self.strategy()
        var old = Self.pool(["192.0.2.0/28", "198.51.100.0/28"])
        #expect(strategy.warnings(for: Self.pool(["192.0.2.0/28"]), replacing: old).isEmpty)
        old["status"] = ["assignedIPv4": 2, "assignedIPv6": 1]
        #expect(
            strategy.warnings(for: Self.pool(["192.0.2.0/27"]), replacing: old) == [
                "spec.addresses: 198.51.100.0-198.51.100.15 no longer offered as before, while 3 addresses of the pool "
                    + "are in use; Services keep the addresses that they have"
            ])
        #expect(strategy.warnings(for: Self.pool(["192.0.2.0/24", "198.51.100.0/24"]), replacing: old).isEmpty)
        #expect(strategy.warnings(for: Self.pool(["192.0.2.0/28"]), replacing: nil).isEmpty)
    }
}
