package import NetworkTypes

/// Hands out the addresses of one cluster IP range.
///
/// A value without locks, clocks or randomness of its own: the caller passes the number that spreads automatic choices.
/// The network address, and in IPv4 the broadcast address, are never given out. The lower band of the range
/// (`staticBand` addresses) is kept for addresses that users ask for: automatic choices come out of the upper band
/// until
/// it is full (KEP-3070).
package struct AddressAllocator: Sendable {
    /// Why an address can't be had; the descriptions are what Kubernetes answers.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case outOfRange(IPAddress, CIDR)
        /// No range that is ready has the address.
        case noRange
        case alreadyAllocated
        case full

        package var description: String {
            switch self {
            case .outOfRange(let address, let range):
                "the provided IP (\(address)) is not in the valid range. The range of valid IPs is \(range)"
            case .noRange: "the provided network does not match the current range"
            case .alreadyAllocated: "provided IP is already allocated"
            case .full: "range is full"
            }
        }
    }

    package let range: CIDR
    /// How many addresses at the start of the range automatic choices leave alone while others are free.
    package let staticBand: Int
    /// How many addresses the range can give out; `Int.max` where there are more.
    package let capacity: Int
    private let base: IPAddress
    /// What is taken of a range of at most 2^20 addresses.
    private var bits: BitmapAllocator
    /// What is taken of a larger one, which a bitmap would be wasted on; nil for the others.
    private var marks: Set<Int>?

    private static let bitmapHostBits = 20

    /// An allocator for a range of the configuration.
    /// - Throws: ``AllocationRangeError`` when the range has fewer than 8 addresses or more than 2^20, as
    ///   kube-apiserver limits `--service-cluster-ip-range`.
    package init(range: CIDR) throws(AllocationRangeError) {
        let width = range.family.bitWidth
        let hostBits = width - range.prefixLength
        guard hostBits <= Self.bitmapHostBits else {
            throw AllocationRangeError(
                "specified --service-cluster-ip-range is too large; for \(width)-bit addresses, "
                    + "the mask must be >= \(width - Self.bitmapHostBits)")
        }
        guard hostBits >= 3 else {
            throw AllocationRangeError("the service cluster IP range must be at least 8 IP addresses")
        }
        self.init(anySize: range)
    }

    /// An allocator for a range of any size, as a ServiceCIDR may have: one of a single address gives out none.
    package init(anySize range: CIDR) {
        let hostBits = range.family.bitWidth - range.prefixLength
        let size = hostBits >= 63 ? Int.max : 1 << hostBits
        self.range = range
        base = range.first.advanced(by: 1) ?? range.first
        capacity = size == .max ? size : max(0, range.family == .v4 ? size - 2 : size - 1)
        staticBand = size <= 16 ? 0 : min(max(size / 16, 16), 256)
        bits = BitmapAllocator(capacity: hostBits <= Self.bitmapHostBits ? capacity : 0)
        marks = hostBits <= Self.bitmapHostBits ? nil : []
    }

    package var family: IPFamily { range.family }
    package var freeCount: Int { marks.map { capacity - $0.count } ?? bits.freeCount }

    /// Takes exactly this address.
    package mutating func allocate(_ address: IPAddress) throws(Failure) {
        guard let offset = offset(of: address) else { throw .outOfRange(address, range) }
        guard take(offset) else { throw .alreadyAllocated }
    }

    /// Takes a free address, of the upper band while it has one. `spread` decides where the search begins, so that
    /// addresses are not reused at once.
    package mutating func allocateNext(spread: UInt64) throws(Failure) -> IPAddress {
        guard capacity > 0 else { throw .full }
        let upper = staticBand..<capacity
        let start = upper.lowerBound + Int(spread % UInt64(upper.count))
        let chosen = takeNext(in: upper, startingAt: start) ?? takeNext(in: 0..<staticBand, startingAt: 0)
        guard let offset = chosen, let address = base.advanced(by: UInt64(offset)) else { throw .full }
        return address
    }

    /// Gives an address back; false when it was not taken or is not of this range.
    @discardableResult
    package mutating func release(_ address: IPAddress) -> Bool {
        guard let offset = offset(of: address) else { return false }
        return marks == nil ? bits.release(offset) : marks?.remove(offset) != nil
    }

    package func isAllocated(_ address: IPAddress) -> Bool {
        offset(of: address).map { marks?.contains($0) ?? bits.contains($0) } ?? false
    }

    /// Whether this range could give out the address, taken or not.
    package func has(_ address: IPAddress) -> Bool { offset(of: address) != nil }

    /// Every address that is taken, in ascending order where the range has a bitmap.
    package var allocated: [IPAddress] {
        var result: [IPAddress] = []
        let add = { (offset: Int) in
            if let address = base.advanced(by: UInt64(offset)) { result.append(address) }
        }
        if let marks { marks.forEach(add) } else { bits.forEachAllocated(add) }
        return result
    }

    private mutating func take(_ offset: Int) -> Bool {
        marks == nil ? bits.allocate(offset) : marks?.insert(offset).inserted == true
    }

    private mutating func takeNext(in range: Range<Int>, startingAt start: Int) -> Int? {
        guard let taken = marks?.count else { return bits.allocateNext(in: range, startingAt: start) }
        guard !range.isEmpty else { return nil }
        // Among one more than are taken there is a free one.
        for step in 0..<min(taken + 1, range.count) {
            let beyond = start - range.lowerBound
            let room = range.count - beyond
            let offset = step < room ? start + step : range.lowerBound + step - room
            if take(offset) { return offset }
        }
        return nil
    }

    private func offset(of address: IPAddress) -> Int? {
        guard range.contains(address), let distance = address.distance(from: base), distance < UInt64(capacity) else {
            return nil
        }
        return Int(distance)
    }
}
