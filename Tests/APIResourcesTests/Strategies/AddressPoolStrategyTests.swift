import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of AddressPools") struct AddressPoolStrategyTests {
    private static func strategy() throws -> AddressPoolStrategy {
        AddressPoolStrategy(
            pools: PoolRanges(), allocations: try ServiceFixture(["10.96.0.0/16", "fd00:96::/112"]).allocations)
    }

    static func pool(_ addresses: [JSONValue], _ namespaces: [JSONValue] = []) -> JSONValue {
        ["metadata": ["name": "p"], "spec": ["addresses": .array(addresses), "serviceNamespaces": .array(namespaces)]]
    }

    static let cases: [RefusalCase] = [
        RefusalCase("good", pool(["192.0.2.0/28", "192.0.2.64-192.0.2.80", "fd00::1", "127.1.0.0/24"], ["shop"])),
        RefusalCase("nothing", pool([]), "spec.addresses: Required value: must contain at least 1 range"),
        RefusalCase(
            "what is no range", pool(["x", "192.0.2.9-192.0.2.1", "224.0.0.0/28"]),
            "spec.addresses[0]: Invalid value: \"x\": must be an address, a CIDR or a range, (e.g. 192.0.2.1, "
                + "192.0.2.0/28 "
                + "or 192.0.2.64-192.0.2.80)",
            "spec.addresses[1]: Invalid value: \"192.0.2.9-192.0.2.1\": must be an address, a CIDR or a range, (e.g. "
                + "192.0.2.1, 192.0.2.0/28 or 192.0.2.64-192.0.2.80)",
            "spec.addresses[2]: Invalid value: \"224.0.0.0/28\": may hold only unicast addresses"),
        RefusalCase(
            "an overlap", pool(["192.0.2.0/28", "192.0.2.15-192.0.2.20"], ["N"]),
            "spec.addresses[1]: Invalid value: \"192.0.2.15-192.0.2.20\": overlaps with 192.0.2.0/28",
            "spec.serviceNamespaces[0]: Invalid value: \"N\": \(Wording.label)"),
    ]

    @Test func `reserved addresses are part of the pool, and who it is for is said as in MetalLB's pools`() throws {
        var pool = Self.pool(["192.0.2.0/28"])
        pool["spec"]["reservedAddresses"] = ["192.0.2.1", "192.0.2.8-192.0.2.20", "x"]
        pool["spec"]["serviceAllocation"] = ["priority": 1, "namespaces": ["a", "a"]]
        RefusalCase(
            "odd", pool,
            "spec.reservedAddresses[1]: Invalid value: \"192.0.2.8-192.0.2.20\": must be part of one of spec.addresses",
            "spec.reservedAddresses[2]: Invalid value: \"x\": \(PoolAddressRules.form)",
            "spec.serviceAllocation.namespaces[1]: Duplicate value: \"a\""
        ).expect(try Self.strategy())
    }

    @Test(arguments: cases)
    func `an AddressPool is refused with every reason, or taken`(_ example: RefusalCase) throws {
        example.expect(try Self.strategy())
    }

    @Test func `addresses that Services get as cluster IPs are warned of when they are offered`() throws {
        let strategy = try Self.strategy()
        let pool = Self.pool(["192.0.2.0/28", "10.96.255.0-10.97.0.9", "fd00:96::8"])
        let warnings = [
            (1, "10.96.255.0-10.97.0.9 overlaps with 10.96.0.0/16"), (2, "fd00:96::8 overlaps with fd00:96::/112"),
        ].map { index, words in
            "spec.addresses[\(index)]: \(words), which cluster IPs come from: an address of both may be given to two Services"
        }
        #expect(strategy.warnings(for: pool, replacing: nil) == warnings)
        #expect(strategy.warnings(for: pool, replacing: pool).isEmpty)
        #expect(strategy.warnings(for: pool, replacing: Self.pool(["192.0.2.0/28", "fd00:96::8"])) == [warnings[0]])
    }
}
