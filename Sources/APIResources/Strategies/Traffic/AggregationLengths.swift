import KubeModel
import NetworkTypes
import Synchronization

/// What BGPAdvertisements roll addresses up to, and the pools that they take: an announced prefix may not reach beyond the
/// widest network of a range, or it would draw the traffic of others. As MetalLB, which refuses whichever comes second; of two
/// that are written at the same moment neither sees the other.
final class AggregationLengths: Sendable {
    private struct Pool {
        var labels: [String: String]
        /// The ranges as they are written, and the length of the widest network in each.
        var ranges: [(text: String, family: IPFamily, widest: Int)]

        init(_ object: JSONValue) {
            labels = object["metadata"]["labels"]?.object?.strings ?? [:]
            ranges = (object["spec"]["addresses"].array ?? []).compactMap { value in
                guard let text = value.string, let range = AddressRange(text) else { return nil }
                return (text, range.family, range.widestNetwork)
            }
        }
    }

    private struct Advertisement {
        var pools: Set<String>
        var selectors: [LabelSelector]
        var lengths: [IPFamily: Int]

        init(_ object: JSONValue) {
            let spec = object["spec"]
            pools = Set((spec["ipAddressPools"].array ?? []).compactMap(\.string))
            selectors = (spec["ipAddressPoolSelectors"].array ?? []).compactMap { LabelSelector(document: $0) }
            lengths = [.v4: spec["aggregationLength"].int ?? 32, .v6: spec["aggregationLengthV6"].int ?? 128]
        }

        func takes(_ name: String, _ pool: Pool) -> Bool {
            if pools.isEmpty, selectors.isEmpty { return true }
            return pools.contains(name)
                || selectors.contains { selector in
                    // One that can't be read takes nothing.
                    (try? Selector(selector))?.matches(pool.labels) == true
                }
        }

        /// The range of a pool that it rolls up to more than there is.
        func conflict(with pool: Pool) -> (index: Int, text: String, family: IPFamily)? {
            for (index, range) in pool.ranges.enumerated() where lengths[range.family] ?? 0 < range.widest {
                return (index, range.text, range.family)
            }
            return nil
        }
    }

    private struct State {
        var pools: [NamespacedName: Pool] = [:]
        var advertisements: [NamespacedName: Advertisement] = [:]
    }

    /// Keeps what was written, once it is on disk, after what else the write claims.
    struct Keeping: AllocationTransaction {
        var claim: (any AllocationTransaction)?
        var keep: @Sendable () -> Void

        func commit() {
            claim?.commit()
            keep()
        }

        func rollback() { claim?.rollback() }
    }

    private let state = Mutex(State())

    /// - Returns: the error of a pool whose ranges an advertisement of its namespace rolls up too far.
    func finding(inPool object: JSONValue) -> FieldError? {
        let (key, pool) = (Self.key(object), Pool(object))
        let found = state.withLock { state in
            state.advertisements.lazy.filter { $0.key.namespace == key.namespace && $0.value.takes(key.name, pool) }
                .compactMap { name, advertisement in advertisement.conflict(with: pool).map { (name, $0) } }
                .first
        }
        guard let (name, conflict) = found else { return nil }
        return .invalid(
            FieldPath("spec").child("addresses").index(conflict.index), .string(conflict.text),
            "is smaller than the prefixes that BGPAdvertisement \(name) announces")
    }

    /// - Returns: the error of an advertisement that rolls up a range of a pool of its namespace too far.
    func finding(inAdvertisement object: JSONValue) -> FieldError? {
        let (key, advertisement) = (Self.key(object), Advertisement(object))
        let found = state.withLock { state in
            state.pools.lazy.filter { $0.key.namespace == key.namespace && advertisement.takes($0.key.name, $0.value) }
                .compactMap { name, pool in advertisement.conflict(with: pool).map { (name, $0) } }
                .first
        }
        guard let (name, conflict) = found else { return nil }
        let field = conflict.family == .v4 ? "aggregationLength" : "aggregationLengthV6"
        return .invalid(
            FieldPath("spec").child(field), object.at("spec", field) ?? .null,
            "announces more than \(conflict.text) of IPAddressPool \(name)")
    }

    func keep(pool object: JSONValue) {
        let pool = Pool(object)
        state.withLock { $0.pools[Self.key(object)] = pool }
    }

    func keep(advertisement object: JSONValue) {
        let advertisement = Advertisement(object)
        state.withLock { $0.advertisements[Self.key(object)] = advertisement }
    }

    func remove(pool object: JSONValue) { state.withLock { $0.pools[Self.key(object)] = nil } }

    func remove(advertisement object: JSONValue) { state.withLock { $0.advertisements[Self.key(object)] = nil } }

    private static func key(_ object: JSONValue) -> NamespacedName {
        NamespacedName(namespace: object.text("metadata", "namespace"), name: object.text("metadata", "name"))
    }
}

extension AddressRange {
    /// The prefix length of the widest network that lies in the range.
    fileprivate var widestNetwork: Int {
        let longest = family == .v4 ? 32 : 128
        for length in 0..<longest {
            guard let at = CIDR(address: first, prefixLength: length) else { continue }
            if at.first == first, at.last <= last { return length }
            if let next = at.last.advanced(by: 1), next.family == family,
                let beyond = CIDR(address: next, prefixLength: length), beyond.last <= last
            {
                return length
            }
        }
        return longest
    }
}
