import KubeModel
import NetworkTypes

/// The addresses of one pool, of ours or of MetalLB's, read and ready for allocation.
struct PoolAddresses: Sendable, Equatable {
    /// Which pool it is. In order of names, which is the order in which pools of equal rank are tried.
    struct Identity: Hashable, Sendable, Comparable, CustomStringConvertible {
        var name: String
        /// "" for pools of ours.
        var namespace: String
        var kind: String

        var description: String { namespace.isEmpty ? "\(kind) \(name)" : "\(kind) \(namespace)/\(name)" }

        static func < (left: Identity, right: Identity) -> Bool {
            (left.name, left.namespace, left.kind) < (right.name, right.namespace, right.kind)
        }
    }

    /// Which Services a pool is for.
    struct Audience: Sendable, Equatable {
        /// The lowest is tried first; `Int.max` for those that say nothing.
        var priority = Int.max
        var namespaces: Set<String> = []
        /// Nil entries can't be read and take nothing.
        var namespaceSelectors: [Selector?] = []
        var serviceSelectors: [Selector?] = []

        func includes(_ request: LoadBalancerRequest) -> Bool {
            if !namespaces.isEmpty || !namespaceSelectors.isEmpty {
                guard
                    namespaces.contains(request.key.namespace)
                        || namespaceSelectors.contains(where: { $0?.matches(request.namespaceLabels) == true })
                else { return false }
            }
            return serviceSelectors.isEmpty
                || serviceSelectors.contains { $0?.matches(request.labels) == true }
        }
    }

    /// What becomes of IPv4 addresses that end in .0 or .255, which equipment that still thinks in classes takes for the
    /// network's own.
    private enum Avoidance {
        /// Services get them as any other.
        case none
        /// Those inside of these ranges are meant; of the others only a Service gets one that asks for it.
        case unlessAskedFor(but: [AddressRange])
        /// Nobody gets them.
        case always
    }

    let id: Identity
    /// In ascending order, without overlaps.
    let ranges: [AddressRange]
    /// Those that a Service may get without asking, in ascending order.
    let choosable: [AddressRange]
    let assignsAutomatically: Bool
    /// Nil for all Services: such pools are tried last.
    let audience: Audience?
    /// Entries of the spec that are no addresses.
    let invalid: [String]
    private let avoidance: Avoidance

    var name: String { id.name }

    init(_ pool: AddressPool) {
        let spec = pool.spec
        let (parsed, invalid) = Self.parse(spec?.addresses)
        // Named one by one, or by first and last, they are meant.
        let named = parsed.filter { !$0.text.contains("/") || $0.range.first == $0.range.last }.map(\.range)
        var audience = Self.audience(spec?.serviceAllocation)
        if let namespaces = spec?.serviceNamespaces, !namespaces.isEmpty {
            audience = audience ?? Audience()
            audience?.namespaces.formUnion(namespaces)
        }
        self.init(
            Identity(name: pool.metadata.name ?? "", namespace: "", kind: "AddressPool"), parsed.map(\.range),
            reserved: Self.parse(spec?.reservedAddresses).ranges.map(\.range), invalid: invalid,
            assignsAutomatically: spec?.autoAssign ?? true, audience, .unlessAskedFor(but: named))
    }

    init(_ pool: IPAddressPool) {
        let (parsed, invalid) = Self.parse(pool.spec?.addresses)
        self.init(
            Identity(
                name: pool.metadata.name ?? "", namespace: pool.metadata.namespace ?? "", kind: "IPAddressPool"),
            parsed.map(\.range), reserved: [], invalid: invalid,
            assignsAutomatically: pool.spec?.autoAssign ?? true, Self.audience(pool.spec?.serviceAllocation),
            pool.spec?.avoidBuggyIPs == true ? .always : .none)
    }

    private init(
        _ id: Identity, _ ranges: [AddressRange], reserved: [AddressRange], invalid: [String],
        assignsAutomatically: Bool, _ audience: Audience?, _ avoidance: Avoidance
    ) {
        self.id = id
        self.ranges = Self.merged(ranges)
        choosable = Self.merged(reserved).reduce(self.ranges) { rest, hole in rest.flatMap { Self.cut(hole, out: $0) } }
        self.invalid = invalid
        self.assignsAutomatically = assignsAutomatically
        self.audience = audience
        self.avoidance = avoidance
    }

    static func == (left: PoolAddresses, right: PoolAddresses) -> Bool {
        (left.id, left.ranges, left.choosable, left.assignsAutomatically)
            == (right.id, right.ranges, right.choosable, right.assignsAutomatically)
            && left.audience == right.audience && left.offersEnds == right.offersEnds
    }

    private var offersEnds: [AddressRange]? {
        switch avoidance {
        case .none: nil
        case .unlessAskedFor(let named): named
        case .always: []
        }
    }

    func isOpen(to request: LoadBalancerRequest) -> Bool { audience?.includes(request) ?? true }

    func contains(_ address: IPAddress) -> Bool { Self.contain(ranges, address) }

    /// Whether a Service may have the address that asks for it.
    func offers(_ address: IPAddress) -> Bool {
        guard contains(address) else { return false }
        if case .always = avoidance { return !Self.isEnd(address) }
        return true
    }

    /// Whether the address may be given to a Service that asks for none in particular.
    func isChoosable(_ address: IPAddress) -> Bool {
        guard Self.contain(choosable, address) else { return false }
        return isGood(address)
    }

    /// The same for an address of ``choosable``.
    func isGood(_ address: IPAddress) -> Bool {
        guard Self.isEnd(address) else { return true }
        switch avoidance {
        case .none: return true
        case .unlessAskedFor(let named): return named.contains { $0.contains(address) }
        case .always: return false
        }
    }

    /// How many addresses of a family Services can have; at most `Int64.max`.
    func capacity(_ family: IPFamily) -> Int64 {
        ranges.reduce(0) { sum, range in
            guard range.family == family else { return sum }
            var count = Int64(clamping: range.count)
            if case .always = avoidance, let first = range.first.v4, let last = range.last.v4 {
                count -= Self.ends(first, last)
            }
            let (result, overflow) = sum.addingReportingOverflow(count)
            return overflow ? .max : result
        }
    }

    // MARK: Reading

    private static func parse(_ texts: [String]?) -> (ranges: [(range: AddressRange, text: String)], invalid: [String])
    {
        var ranges: [(AddressRange, String)] = []
        var invalid: [String] = []
        for text in texts ?? [] {
            if let range = AddressRange(text) { ranges.append((range, text)) } else { invalid.append(text) }
        }
        return (ranges, invalid)
    }

    private static func audience(_ allocation: PoolServiceAllocation?) -> Audience? {
        guard let allocation else { return nil }
        func selectors(_ list: [LabelSelector]?) -> [Selector?] {
            // One that can't be read closes the pool to whom it would have let in.
            (list ?? []).map { try? Selector($0) }
        }
        let priority = allocation.priority ?? 0
        return Audience(
            priority: priority == 0 ? .max : priority, namespaces: Set(allocation.namespaces ?? []),
            namespaceSelectors: selectors(allocation.namespaceSelectors),
            serviceSelectors: selectors(allocation.serviceSelectors))
    }

    // MARK: Ranges

    private static func isEnd(_ address: IPAddress) -> Bool {
        guard let bits = address.v4 else { return false }
        return bits & 255 == 0 || bits & 255 == 255
    }

    /// How many addresses from `first` to `last` end in 0 or 255.
    private static func ends(_ first: UInt32, _ last: UInt32) -> Int64 {
        let (low, high) = (Int64(first), Int64(last))
        let zeros = high / 256 - (low + 255) / 256 + 1
        let full = (high + 1) / 256 - low / 256
        return zeros + full
    }

    private static func contain(_ ranges: [AddressRange], _ address: IPAddress) -> Bool {
        // The last range that begins at or before the address.
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].first <= address { low = middle + 1 } else { high = middle }
        }
        return low > 0 && ranges[low - 1].contains(address)
    }

    private static func merged(_ ranges: [AddressRange]) -> [AddressRange] {
        var result: [AddressRange] = []
        for range in ranges.sorted(by: { $0.first < $1.first }) {
            guard let last = result.last, last.contains(range.first) else {
                result.append(range)
                continue
            }
            if range.last > last.last, let joined = AddressRange(first: last.first, last: range.last) {
                result[result.count - 1] = joined
            }
        }
        return result
    }

    /// What is left of a range, at most two.
    private static func cut(_ hole: AddressRange, out range: AddressRange) -> [AddressRange] {
        guard range.overlaps(hole) else { return [range] }
        var rest: [AddressRange] = []
        if range.first < hole.first, let before = AddressRange(first: range.first, last: hole.first.before) {
            rest.append(before)
        }
        if hole.last < range.last, let next = hole.last.advanced(by: 1),
            let after = AddressRange(first: next, last: range.last)
        {
            rest.append(after)
        }
        return rest
    }
}

extension IPAddress {
    /// The address before this one, which must not be the first of its family.
    fileprivate var before: IPAddress {
        var bytes = bytes
        for index in bytes.indices.reversed() {
            bytes[index] &-= 1
            if bytes[index] != 255 { break }
        }
        return IPAddress(bytes: bytes) ?? self
    }
}
