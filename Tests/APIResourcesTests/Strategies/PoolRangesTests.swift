import KubeModel
import Testing

@testable import APIResources

@Suite("No address in two pools") struct PoolRangesTests {
    private let pools = PoolRanges()
    private var theirs: ResourceDefinition { IPAddressPool.definition }
    private var ours: ResourceDefinition { AddressPool.definition }

    private func pool(_ name: String, _ addresses: [JSONValue]) -> JSONValue {
        ["metadata": ["name": .string(name), "namespace": "metallb-system"], "spec": ["addresses": .array(addresses)]]
    }

    private func refusal(_ object: JSONValue, replacing old: JSONValue? = nil, _ definition: ResourceDefinition)
        -> String?
    {
        do {
            try pools.claim(object, replacing: old, definition)?.commit()
            return nil
        } catch {
            return error.message
        }
    }

    @Test func `a range of another pool is refused, in either spelling, until that pool is gone`() {
        let first = pool("a", ["192.0.2.0/28"])
        #expect(refusal(first, theirs) == nil)
        #expect(
            refusal(pool("b", ["198.51.100.0/24", "192.0.2.9-192.0.2.20"]), theirs)
                == "IPAddressPool.metallb.io \"b\" is invalid: spec.addresses[1]: Invalid value: "
                + "\"192.0.2.9-192.0.2.20\": overlaps with IPAddressPool metallb-system/a")
        #expect(refusal(pool("c", ["192.0.2.1"]), ours)?.contains("overlaps with IPAddressPool") == true)
        pools.release(first, theirs)
        #expect(refusal(pool("b", ["198.51.100.0/24", "192.0.2.9-192.0.2.20"]), theirs) == nil)
    }

    @Test func `two of ours may overlap, and one of theirs with neither`() {
        #expect(refusal(pool("a", ["192.0.2.0/28"]), ours) == nil)
        #expect(refusal(pool("b", ["192.0.2.0/24"]), ours) == nil)
        #expect(refusal(pool("c", ["192.0.2.0/30"]), theirs) != nil)
    }

    @Test func `a write under way counts, and one that failed does not`() throws {
        let claim = try #require(try pools.claim(pool("a", ["192.0.2.0/28"]), replacing: nil, theirs))
        #expect(refusal(pool("b", ["192.0.2.0/30"]), theirs) != nil)
        claim.rollback()
        #expect(refusal(pool("b", ["192.0.2.0/30"]), theirs) == nil)
    }

    @Test func `a pool may grow over its own ranges, and what is stored stays writable`() {
        let old = pool("a", ["192.0.2.0/28"])
        #expect(refusal(old, theirs) == nil)
        #expect(refusal(pool("a", ["192.0.2.0/24"]), replacing: old, theirs) == nil)
        pools.restore(pool("twin", ["192.0.2.0/24"]), theirs)
        #expect(refusal(old, replacing: old, theirs) == nil)
    }
}
