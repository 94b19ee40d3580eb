import KubeClient
import KubeModel
import NetworkTypes
import Synchronization

/// What pools and their owners are told.
extension LoadBalancerController {
    /// Of a pool that Services keep addresses of which it no longer has.
    static let leftBehind = "FormerAddressesInUse"

    func reconcile(statusOf id: PoolAddresses.Identity) async throws {
        let found = planner.withLock { planner in
            planner.pools.first { $0.id == id }.map { pool in
                (pool: pool, use: planner.use(of: id) ?? .init(), leftBehind: planner.leftBehind[id.name] ?? [])
            }
        }
        guard let (addresses, use, leftBehind) = found else { return }
        if id.namespace.isEmpty {
            guard let pool = ours.store.get(id.name) else { return }
            let status = AddressPoolStatus(
                total: Int(Self.sum(addresses.capacity(.v4), addresses.capacity(.v6))),
                allocated: Int(use.v4 + use.v6), conditions: conditions(pool.status?.conditions, leftBehind))
            tell(pool, addresses, pool.status?.conditions, status.conditions)
            guard status != pool.status else { return }
            try await write(pool, status, into: ours)
        } else {
            guard let pool = theirs.store.get(id.name, namespace: id.namespace) else { return }
            let status = IPAddressPoolStatus(
                assignedIPv4: use.v4, assignedIPv6: use.v6,
                availableIPv4: Self.rest(addresses.capacity(.v4), use.v4),
                availableIPv6: Self.rest(addresses.capacity(.v6), use.v6),
                conditions: conditions(pool.status?.conditions, leftBehind))
            tell(pool, addresses, pool.status?.conditions, status.conditions)
            guard status != pool.status else { return }
            try await write(pool, status, into: theirs)
        }
    }

    /// Tells of a deleted pool whose addresses stay where they are.
    func tellOfDeletion(of pool: some KubeObject, _ addresses: PoolAddresses) {
        let count = planner.withLock { planner in
            let use = planner.use(of: addresses.id) ?? .init()
            return use.v4 + use.v6 + Int64(planner.leftBehind[addresses.name]?.count ?? 0)
        }
        guard count > 0 else { return }
        recorder.record(
            .warning, about: pool, reason: "PoolInUse",
            message: "deleted while Services have addresses of it (\(count)), which they keep")
    }

    private func tell(
        _ pool: some KubeObject, _ addresses: PoolAddresses, _ old: [Condition]?, _ new: [Condition]?
    ) {
        if let invalid = addresses.invalid.first {
            recorder.record(
                .warning, about: pool, reason: "InvalidAddresses",
                message: "\(goQuoted(invalid)) is neither a CIDR, a range nor an address")
        }
        let (before, after) = (old?.first { $0.type == Self.leftBehind }, new?.first { $0.type == Self.leftBehind })
        if let after, after.status == "True", before?.message != after.message {
            recorder.record(.warning, about: pool, reason: "PoolInUse", message: after.message)
        }
    }

    /// The conditions that are there, and ours once there was a reason for it.
    private func conditions(_ present: [Condition]?, _ leftBehind: Set<NamespacedName>) -> [Condition]? {
        let old = present?.first { $0.type == Self.leftBehind }
        if leftBehind.isEmpty, old == nil { return present }
        let names = leftBehind.sorted().prefix(3).map(\.description).joined(separator: ", ")
        var condition = Condition(
            type: Self.leftBehind, status: leftBehind.isEmpty ? "False" : "True",
            reason: leftBehind.isEmpty ? "AllInPool" : "PoolChanged",
            message: leftBehind.isEmpty
                ? "every address that Services have of the pool is in it"
                : "\(leftBehind.count) Services keep addresses that the pool no longer has: \(names)"
                    + (leftBehind.count > 3 ? ", …" : ""))
        condition.lastTransitionTime =
            old?.status == condition.status
            ? old?.lastTransitionTime : wallClock().timestamp
        return (present ?? []).filter { $0.type != Self.leftBehind } + [condition]
    }

    private func write<Pool: KubeObject>(_ pool: Pool, _ status: some Encodable, into informer: Informer<Pool>)
        async throws
    {
        let patch: JSONValue = ["status": try ObjectEncoder.encode(status)]
        do {
            informer.absorb(
                try await client.patch(
                    Pool.self, pool.metadata.name ?? "", namespace: pool.metadata.namespace, .merge(patch),
                    subresource: "status"))
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }

    private static func sum(_ one: Int64, _ other: Int64) -> Int64 {
        let (sum, overflow) = one.addingReportingOverflow(other)
        return overflow ? .max : sum
    }

    /// What is left of a capacity; of one that can't be counted as much as can be.
    private static func rest(_ capacity: Int64, _ used: Int64) -> Int64 {
        capacity == .max ? .max : max(0, capacity - used)
    }
}
