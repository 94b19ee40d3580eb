import KubeModel
import NetworkTypes

/// The addresses of one AddressPool, read and ready for allocation.
struct PoolAddresses: Sendable, Equatable {
    var name: String
    /// In ascending order, without overlaps.
    var ranges: [AddressRange]
    var assignsAutomatically: Bool
    /// Empty for every namespace.
    var namespaces: Set<String>
    /// Entries of the spec that are no addresses.
    var invalid: [String] = []
    /// Those that the spec names one by one or by first and last, and not as a network.
    private var named: [AddressRange] = []

    init(_ pool: AddressPool) {
        name = pool.metadata.name ?? ""
        assignsAutomatically = pool.spec?.autoAssign ?? true
        namespaces = Set(pool.spec?.serviceNamespaces ?? [])
        var parsed: [AddressRange] = []
        for text in pool.spec?.addresses ?? [] {
            guard let range = AddressRange(text) else {
                invalid.append(text)
                continue
            }
            parsed.append(range)
            if !text.contains("/") || range.first == range.last { named.append(range) }
        }
        ranges = Self.merged(parsed)
    }

    func contains(_ address: IPAddress) -> Bool { ranges.contains { $0.contains(address) } }

    /// Whether the address may be given to a Service that asks for none in particular. Out of a network of IPv4 those that
    /// end in 0 or 255 are left out: equipment that still thinks in classes takes them for the network's own.
    func isChoosable(_ address: IPAddress) -> Bool {
        guard address.family == .v4 else { return true }
        let last = address.description.split(separator: ".").last
        return (last != "0" && last != "255") || named.contains { $0.contains(address) }
    }

    func isOpen(to namespace: String) -> Bool { namespaces.isEmpty || namespaces.contains(namespace) }

    /// How many addresses there are; at most `Int.max`.
    var count: Int {
        ranges.reduce(0) { sum, range in
            let (result, overflow) = sum.addingReportingOverflow(Int(clamping: range.count))
            return overflow ? Int.max : result
        }
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
}
