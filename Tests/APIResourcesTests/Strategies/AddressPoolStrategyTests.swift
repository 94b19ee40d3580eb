import KubeModel
import Testing

@testable import APIResources

@Suite("The rules of AddressPools") struct AddressPoolStrategyTests {
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

    @Test func `reserved addresses are part of the pool, and who it is for is said as in MetalLB's pools`() {
        var pool = Self.pool(["192.0.2.0/28"])
        pool["spec"]["reservedAddresses"] = ["192.0.2.1", "192.0.2.8-192.0.2.20", "x"]
        pool["spec"]["serviceAllocation"] = ["priority": 1, "namespaces": ["a", "a"]]
        RefusalCase(
            "odd", pool,
            "spec.reservedAddresses[1]: Invalid value: \"192.0.2.8-192.0.2.20\": must be part of one of spec.addresses",
            "spec.reservedAddresses[2]: Invalid value: \"x\": \(PoolAddressRules.form)",
            "spec.serviceAllocation.namespaces[1]: Duplicate value: \"a\""
        ).expect(AddressPoolStrategy(pools: PoolRanges()))
    }

    @Test(arguments: cases)
    func `an AddressPool is refused with every reason, or taken`(_ example: RefusalCase) {
        example.expect(AddressPoolStrategy(pools: PoolRanges()))
    }
}
