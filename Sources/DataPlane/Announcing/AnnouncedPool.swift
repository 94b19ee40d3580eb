package import KubeModel
package import NetworkTypes

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
