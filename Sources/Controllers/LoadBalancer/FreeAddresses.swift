import NetworkTypes

/// Finds the lowest free address of some ranges at a cost that grows neither with the ranges nor with what is used of them:
/// a frontier that only moves up, and what became free behind it.
struct FreeAddresses: Sendable {
    /// In ascending order, without overlaps.
    let ranges: [AddressRange]
    /// The range of the frontier; `ranges.count` when there is nothing beyond it.
    private var range = 0
    /// Everything from here on was never given out by ``first(isUsed:isGood:)``.
    private var frontier: IPAddress?
    /// Free, perhaps, and behind the frontier; in descending order, each once.
    private var released: [IPAddress] = []

    init(_ ranges: [AddressRange]) {
        self.ranges = ranges
        frontier = ranges.first?.first
    }

    /// The lowest address that is not used and good; it stays free until it is used.
    mutating func first(isUsed: (IPAddress) -> Bool, isGood: (IPAddress) -> Bool) -> IPAddress? {
        while let lowest = released.last {
            if !isUsed(lowest) { return lowest }
            released.removeLast()
        }
        while let address = frontier {
            if isGood(address), !isUsed(address) { return address }
            if address == ranges[range].last {
                range += 1
                frontier = range < ranges.count ? ranges[range].first : nil
            } else {
                frontier = address.advanced(by: 1)
            }
        }
        return nil
    }

    /// Notes that a good address of the ranges is no longer used.
    mutating func release(_ address: IPAddress) {
        if let frontier, frontier <= address { return }
        var (low, high) = (0, released.count)
        while low < high {
            let middle = (low + high) / 2
            if released[middle] > address { low = middle + 1 } else { high = middle }
        }
        if low < released.count, released[low] == address { return }
        released.insert(address, at: low)
    }
}
