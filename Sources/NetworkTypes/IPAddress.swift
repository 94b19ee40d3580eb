/// An IPv4 or IPv6 address without a zone. A plain value: no heap, no reference counts.
///
/// An IPv4-mapped IPv6 address (`::ffff:192.0.2.1`) stays an IPv6 address; `mappedV4` gives what it maps to.
public struct IPAddress: Hashable, Sendable {
    // The short one last: what follows in a structure that holds an address fits in behind it.
    /// The upper 64 bits of an IPv6 address; 0 for IPv4.
    public let high: UInt64
    /// The lower 64 bits of an IPv6 address, or the 32 bits of an IPv4 address.
    public let low: UInt64
    public let family: IPFamily

    /// An IPv4 address from its 32 bits in host order: 0x7f000001 is 127.0.0.1.
    public init(v4: UInt32) {
        family = .v4
        high = 0
        low = UInt64(v4)
    }

    /// An IPv6 address from its upper and lower 64 bits in host order.
    public init(v6High: UInt64, low: UInt64) {
        family = .v6
        high = v6High
        self.low = low
    }

    /// An address from 4 or 16 bytes in network order; any other count gives nil.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(v4: bytes.reduce(UInt32(0)) { $0 << 8 | UInt32($1) })
        case 16:
            let high = bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            let low = bytes.dropFirst(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(v6High: high, low: low)
        default:
            return nil
        }
    }

    public static let anyV4 = IPAddress(v4: 0)
    public static let anyV6 = IPAddress(v6High: 0, low: 0)
    public static let loopbackV4 = IPAddress(v4: 0x7f00_0001)
    public static let loopbackV6 = IPAddress(v6High: 0, low: 1)

    /// The 32 bits in host order, or nil for IPv6.
    public var v4: UInt32? {
        family == .v4 ? UInt32(truncatingIfNeeded: low) : nil
    }

    /// The IPv4 address inside an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2).
    public var mappedV4: IPAddress? {
        guard family == .v6, high == 0, low >> 32 == 0xffff else { return nil }
        return IPAddress(v4: UInt32(truncatingIfNeeded: low))
    }

    /// The 4 or 16 bytes in network order.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(family.bitWidth / 8)
        if family == .v6 {
            for shift in stride(from: 56, through: 0, by: -8) {
                result.append(UInt8(truncatingIfNeeded: high >> UInt64(shift)))
            }
        }
        for shift in stride(from: family == .v6 ? 56 : 24, through: 0, by: -8) {
            result.append(UInt8(truncatingIfNeeded: low >> UInt64(shift)))
        }
        return result
    }

    /// The address `count` further, or nil past the end of the family.
    public func advanced(by count: UInt64) -> IPAddress? {
        let (sum, carry) = low.addingReportingOverflow(count)
        switch family {
        case .v4:
            guard !carry, sum <= UInt64(UInt32.max) else { return nil }
            return IPAddress(v4: UInt32(sum))
        case .v6:
            let (upper, overflow) = high.addingReportingOverflow(carry ? 1 : 0)
            return overflow ? nil : IPAddress(v6High: upper, low: sum)
        }
    }

    /// How many addresses lie from `start` to this one: 0 for itself; nil when `start` is of the other family, is
    /// larger, or is 2^64 or more away.
    public func distance(from start: IPAddress) -> UInt64? {
        guard family == start.family, start <= self else { return nil }
        let (difference, borrow) = low.subtractingReportingOverflow(start.low)
        guard high &- start.high &- (borrow ? 1 : 0) == 0 else { return nil }
        return difference
    }

    /// The address with all bits beyond the first `prefixLength` cleared. The length must fit the family.
    func masked(to prefixLength: Int) -> IPAddress {
        let mask = IPAddress.mask(prefixLength, family)
        return with(high: high & mask.high, low: low & mask.low)
    }

    /// The address with all bits beyond the first `prefixLength` set. The length must fit the family.
    func filled(beyond prefixLength: Int) -> IPAddress {
        let mask = IPAddress.mask(prefixLength, family)
        let width: UInt64 = family == .v4 ? 0xffff_ffff : .max
        return with(high: family == .v4 ? 0 : high | ~mask.high, low: (low | ~mask.low) & width)
    }

    private func with(high: UInt64, low: UInt64) -> IPAddress {
        switch family {
        case .v4: IPAddress(v4: UInt32(truncatingIfNeeded: low))
        case .v6: IPAddress(v6High: high, low: low)
        }
    }

    private static func mask(_ length: Int, _ family: IPFamily) -> (high: UInt64, low: UInt64) {
        switch family {
        case .v4:
            return (0, length == 0 ? 0 : (UInt64(UInt32.max) << UInt64(32 - length)) & UInt64(UInt32.max))
        case .v6:
            // Swift's shifts by the full width give 0, as wanted.
            let high: UInt64 = length >= 64 ? .max : .max << UInt64(64 - length)
            let low: UInt64 = length <= 64 ? 0 : .max << UInt64(128 - length)
            return (high, low)
        }
    }
}

extension IPAddress {
    /// 0.0.0.0 or `::`.
    public var isUnspecified: Bool { high == 0 && low == 0 }

    /// 127.0.0.0/8 (also mapped into IPv6) or `::1`.
    public var isLoopback: Bool {
        if let v4 = v4 ?? mappedV4?.v4 { return v4 >> 24 == 127 }
        return high == 0 && low == 1
    }

    /// 224.0.0.0/4 (also mapped) or ff00::/8.
    public var isMulticast: Bool {
        if let v4 = v4 ?? mappedV4?.v4 { return v4 >> 28 == 0xe }
        return high >> 56 == 0xff
    }

    /// 224.0.0.0/24 (also mapped) or ff02::/16 with any flags, as Go's `IsLinkLocalMulticast`.
    public var isLinkLocalMulticast: Bool {
        if let v4 = v4 ?? mappedV4?.v4 { return v4 >> 8 == 0xe00000 }
        return high >> 56 == 0xff && (high >> 48) & 0xf == 2
    }

    /// 169.254.0.0/16 (also mapped) or fe80::/10.
    public var isLinkLocalUnicast: Bool {
        if let v4 = v4 ?? mappedV4?.v4 { return v4 >> 16 == 0xa9fe }
        return high >> 54 == 0xfe80 >> 6
    }
}

extension IPAddress: Comparable {
    /// IPv4 comes before IPv6; within a family by number.
    public static func < (left: IPAddress, right: IPAddress) -> Bool {
        if left.family != right.family { return left.family == .v4 }
        return left.high != right.high ? left.high < right.high : left.low < right.low
    }
}
