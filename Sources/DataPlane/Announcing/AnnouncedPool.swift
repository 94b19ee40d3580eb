package import KubeModel
package import NetworkTypes

/// How many addresses a pool has, and how many of them Services have, as its status says.
package struct PoolUse: Hashable, Sendable {
    package var total: Int64
    package var inUse: Int64

    package init(total: Int64, inUse: Int64) {
        self.total = total
        self.inUse = inUse
    }

    package init?(_ pool: AddressPool) {
        guard let status = pool.status, let total = status.total else { return nil }
        self.init(total: Int64(total), inUse: Int64(status.allocated ?? 0))
    }

    package init?(_ pool: IPAddressPool) {
        guard let status = pool.status else { return nil }
        let used = [status.assignedIPv4, status.assignedIPv6].map { max(0, $0 ?? 0) }
        let free = [status.availableIPv4, status.availableIPv6].map { max(0, $0 ?? 0) }
        self.init(total: Self.sum(used + free), inUse: Self.sum(used))
    }

    /// `Int64.max` where it is more.
    static func sum(_ numbers: [Int64]) -> Int64 {
        numbers.reduce(0) { sum, number in
            let (result, overflows) = sum.addingReportingOverflow(number)
            return overflows ? .max : result
        }
    }
}

/// The addresses of a pool, of either kind.
package struct AnnouncedPool: Hashable, Sendable {
    package var reference: AnnouncementPlan.PoolReference
    package var labels: [String: String]
    package var ranges: [AddressRange]

    package init(
        _ reference: AnnouncementPlan.PoolReference, labels: [String: String] = [:], addresses: [String]
    ) {
        self.reference = reference
        self.labels = labels
        // What is no address is for the pool's own status to say.
        ranges = addresses.compactMap { AddressRange($0) }
    }

    package init(_ pool: AddressPool) {
        self.init(
            .init(namespace: nil, name: pool.metadata.name ?? ""), labels: pool.metadata.labels ?? [:],
            addresses: pool.spec?.addresses ?? [])
    }
}
