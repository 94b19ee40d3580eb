import KubeModel
import NetworkTypes
import Synchronization

/// The ranges of all pools, so that no address is in two of them. Pools of ours may overlap each other, as they always
/// could; where one of MetalLB's is concerned its rule holds.
final class PoolRanges: Sendable {
    struct Owner: Hashable, Sendable {
        var definition: ResourceDefinition
        var name: NamespacedName

        init(_ object: JSONValue, _ definition: ResourceDefinition) {
            self.definition = definition
            name = NamespacedName(
                namespace: object.text("metadata", "namespace"), name: object.text("metadata", "name"))
        }

        /// Whether others may not overlap it.
        var isExclusive: Bool { definition.group == "metallb.io" }
        var description: String { "\(definition.kind) \(name)" }
    }

    private struct State {
        var kept: [Owner: [AddressRange]] = [:]
        /// Of writes that are under way.
        var claimed: [UInt64: (owner: Owner, ranges: [AddressRange])] = [:]
        var next: UInt64 = 0

        func owner(overlapping range: AddressRange, but owner: Owner) -> Owner? {
            func concerns(_ other: Owner, _ ranges: [AddressRange]) -> Bool {
                other != owner && (other.isExclusive || owner.isExclusive) && ranges.contains { $0.overlaps(range) }
            }
            if let (other, _) = kept.first(where: { concerns($0.key, $0.value) }) { return other }
            return claimed.values.first { concerns($0.owner, $0.ranges) }?.owner
        }
    }

    private struct Claim: AllocationTransaction {
        let pools: PoolRanges
        let number: UInt64

        func commit() {
            pools.state.withLock { state in
                if let claim = state.claimed.removeValue(forKey: number) { state.kept[claim.owner] = claim.ranges }
            }
        }

        func rollback() { pools.state.withLock { $0.claimed[number] = nil } }
    }

    private let state = Mutex(State())

    /// - Throws: 422 for the first range that another pool has.
    func claim(_ object: JSONValue, replacing old: JSONValue?, _ definition: ResourceDefinition) throws(Status)
        -> (any AllocationTransaction)?
    {
        let ranges = PoolAddressRules.ranges(of: object)
        // What is stored stays writable, whatever else was stored beside it once.
        if let old, PoolAddressRules.ranges(of: old) == ranges { return nil }
        let owner = Owner(object, definition)
        let outcome = state.withLock { state -> (number: UInt64, conflict: (index: Int, other: Owner)?) in
            for (index, range) in ranges.enumerated() {
                if let other = state.owner(overlapping: range, but: owner) { return (0, (index, other)) }
            }
            state.next += 1
            state.claimed[state.next] = (owner, ranges)
            return (state.next, nil)
        }
        guard let conflict = outcome.conflict else { return Claim(pools: self, number: outcome.number) }
        let path = FieldPath("spec").child("addresses").index(conflict.index)
        throw .invalid(
            GroupKind(group: definition.group, kind: definition.kind), owner.name.name,
            [
                .invalid(
                    path, .string(ranges[conflict.index].description),
                    "overlaps with \(conflict.other.description)")
            ])
    }

    func release(_ object: JSONValue, _ definition: ResourceDefinition) {
        state.withLock { $0.kept[Owner(object, definition)] = nil }
    }

    func restore(_ object: JSONValue, _ definition: ResourceDefinition) {
        state.withLock { $0.kept[Owner(object, definition)] = PoolAddressRules.ranges(of: object) }
    }
}
