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
        case alreadyAllocated
        case full

        package var description: String {
            switch self {
            case .outOfRange(let address, let range):
                "the provided IP (\(address)) is not in the valid range. The range of valid IPs is \(range)"
            case .alreadyAllocated: "provided IP is already allocated"
            case .full: "range is full"
            }
        }
    }

    package let range: CIDR
    /// How many addresses at the start of the range automatic choices leave alone while others are free.
    package let staticBand: Int
    /// How many addresses the range can give out.
    package let capacity: Int
    private let base: IPAddress
    private var bits: BitmapAllocator

    /// - Throws: ``AllocationRangeError`` when the range has fewer than 8 addresses or more than 2^20, as
    ///   kube-apiserver limits `--service-cluster-ip-range`.
    package init(range: CIDR) throws(AllocationRangeError) {
        let width = range.address.family == .v4 ? 32 : 128
        let hostBits = width - range.prefixLength
        guard hostBits <= 20 else {
            throw AllocationRangeError(
                "specified --service-cluster-ip-range is too large; for \(width)-bit addresses, "
                    + "the mask must be >= \(width - 20)")
        }
        guard hostBits >= 3, let base = range.first.advanced(by: 1) else {
            throw AllocationRangeError("the service cluster IP range must be at least 8 IP addresses")
        }
        let size = 1 << hostBits
        self.range = range
        self.base = base
        capacity = range.address.family == .v4 ? size - 2 : size - 1
        staticBand = size <= 16 ? 0 : min(max(size / 16, 16), 256)
        bits = BitmapAllocator(capacity: capacity)
    }

    package var family: IPFamily { range.address.family }
    package var freeCount: Int { bits.freeCount }

    /// Takes exactly this address.
    package mutating func allocate(_ address: IPAddress) throws(Failure) {
        guard let offset = offset(of: address) else { throw .outOfRange(address, range) }
        guard bits.allocate(offset) else { throw .alreadyAllocated }
    }

    /// Takes a free address, of the upper band while it has one. `spread` decides where the search begins, so that
    /// addresses are not reused at once.
    package mutating func allocateNext(spread: UInt64) throws(Failure) -> IPAddress {
        let upper = staticBand..<capacity
        let start = upper.lowerBound + Int(spread % UInt64(upper.count))
        let chosen =
            bits.allocateNext(in: upper, startingAt: start)
            ?? bits.allocateNext(in: 0..<staticBand, startingAt: 0)
        guard let offset = chosen, let address = base.advanced(by: UInt64(offset)) else { throw .full }
        return address
    }

    /// Gives an address back; false when it was not taken or is not of this range.
    @discardableResult
    package mutating func release(_ address: IPAddress) -> Bool {
        guard let offset = offset(of: address) else { return false }
        return bits.release(offset)
    }

    package func isAllocated(_ address: IPAddress) -> Bool {
        offset(of: address).map { bits.contains($0) } ?? false
    }

    private func offset(of address: IPAddress) -> Int? {
        guard range.contains(address), let distance = address.distance(from: base), distance < UInt64(capacity) else {
            return nil
        }
        return Int(distance)
    }
}
