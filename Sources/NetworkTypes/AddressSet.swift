/// Addresses and networks, looked up in logarithmic time.
public struct AddressSet: Hashable, Sendable {
    /// In order, without overlaps.
    private let ranges: [AddressRange]

    public init(_ networks: some Sequence<CIDR>) {
        var merged: [AddressRange] = []
        for range in networks.map({ AddressRange($0.unmapped) }).sorted(by: Self.precedes) {
            guard let last = merged.last, last.family == range.family, last.contains(range.first) else {
                merged.append(range)
                continue
            }
            if range.last > last.last, let both = AddressRange(first: last.first, last: range.last) {
                merged[merged.count - 1] = both
            }
        }
        ranges = merged
    }

    public var isEmpty: Bool { ranges.isEmpty }

    /// An IPv4-mapped IPv6 address is the IPv4 address, here and in networks.
    public func contains(_ address: IPAddress) -> Bool {
        let address = address.mappedV4 ?? address
        var low = 0
        var high = ranges.count
        // The first range that ends at or behind the address.
        while low < high {
            let middle = (low + high) / 2
            if Self.order(ranges[middle].last, address) { low = middle + 1 } else { high = middle }
        }
        return low < ranges.count && ranges[low].contains(address)
    }

    private static func precedes(_ left: AddressRange, _ right: AddressRange) -> Bool {
        left.first == right.first ? order(left.last, right.last) : order(left.first, right.first)
    }

    /// IPv4 first.
    private static func order(_ left: IPAddress, _ right: IPAddress) -> Bool {
        left.family == right.family ? left < right : left.family == .v4
    }
}

extension CIDR {
    /// The network of IPv4 that one of mapped addresses stands for; others as they are.
    fileprivate var unmapped: CIDR {
        guard prefixLength >= 96, let mapped = address.mappedV4 else { return self }
        return CIDR(address: mapped, prefixLength: prefixLength - 96) ?? self
    }
}
