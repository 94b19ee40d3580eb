import NetworkTypes

/// Which pools an address is in. Pools may overlap.
struct PoolDirectory: Sendable {
    /// Stretches over which the answer is the same, in ascending order; each reaches to the next one.
    private var stretches: [(first: IPAddress, pools: [Int])] = []

    init(_ pools: [PoolAddresses]) {
        var changes: [IPAddress: (begin: [Int], end: [Int])] = [:]
        for (number, pool) in pools.enumerated() {
            for range in pool.ranges {
                changes[range.first, default: ([], [])].begin.append(number)
                if let next = range.last.advanced(by: 1) { changes[next, default: ([], [])].end.append(number) }
            }
        }
        var present: Set<Int> = []
        for (address, change) in changes.sorted(by: { $0.key < $1.key }) {
            if stretches.last?.first.family != address.family { present = [] }
            present.subtract(change.end)
            present.formUnion(change.begin)
            stretches.append((address, present.sorted()))
        }
    }

    /// The numbers of the pools, in ascending order.
    func pools(of address: IPAddress) -> [Int] {
        var (low, high) = (0, stretches.count)
        while low < high {
            let middle = (low + high) / 2
            if stretches[middle].first <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0, stretches[low - 1].first.family == address.family else { return [] }
        return stretches[low - 1].pools
    }
}
