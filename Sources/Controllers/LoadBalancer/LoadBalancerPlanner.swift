import KubeModel
import NetworkTypes

/// What to do about one Service.
enum LoadBalancerDecision: Sendable, Equatable {
    /// The published addresses are right.
    case keep
    /// Publish these.
    case assign([IPAddress], pool: String)
    /// It gets no address; what it may have is withdrawn.
    case refuse(String)
}

/// Chooses addresses for Services. The state of the world is what Services have in their status, so a restart forgets
/// nothing.
struct LoadBalancerPlanner: Sendable {
    /// In order of name.
    let pools: [PoolAddresses]

    init(pools: [PoolAddresses]) {
        self.pools = pools.sorted { $0.name < $1.name }
    }

    /// - Parameter holders: the Services that have an address in their status, the asking one perhaps among them.
    func decide(
        _ request: LoadBalancerRequest, holders: (IPAddress) -> [LoadBalancerRequest]
    ) -> LoadBalancerDecision {
        if let text = request.invalidAddresses.first { return .refuse("\"\(text)\" is not an IP address") }
        if isCurrentRight(request, holders) { return .keep }
        if pools.isEmpty { return .refuse("there is no AddressPool") }
        if !request.addresses.isEmpty { return assignRequested(request, holders) }
        return assignAny(request, holders)
    }

    private func isCurrentRight(
        _ request: LoadBalancerRequest, _ holders: (IPAddress) -> [LoadBalancerRequest]
    ) -> Bool {
        guard !request.current.isEmpty else { return false }
        if !request.addresses.isEmpty {
            guard Set(request.addresses) == Set(request.current) else { return false }
        } else {
            let families = Set(request.current.map(\.family))
            guard families.count == request.current.count, families.isSubset(of: request.families) else { return false }
            if request.needsEveryFamily, families != Set(request.families) { return false }
        }
        return request.current.allSatisfy { address in
            guard let pool = pools.first(where: { $0.contains(address) }), pool.isOpen(to: request.key.namespace),
                request.pool == nil || request.pool == pool.name
            else { return false }
            return holders(address).allSatisfy { other in
                other.key == request.key || request.canShare(with: other) || request.precedes(other)
            }
        }
    }

    private func assignRequested(
        _ request: LoadBalancerRequest, _ holders: (IPAddress) -> [LoadBalancerRequest]
    ) -> LoadBalancerDecision {
        guard Set(request.addresses.map(\.family)).count == request.addresses.count else {
            return .refuse("more than one address of a family was requested")
        }
        for address in request.addresses where !request.families.contains(address.family) {
            return .refuse("requested address \(address) is not of a family of the Service")
        }
        var name = ""
        for address in request.addresses {
            guard let pool = pools.first(where: { $0.contains(address) }) else {
                return .refuse("requested address \(address) is in no AddressPool")
            }
            if let wanted = request.pool, wanted != pool.name {
                return .refuse("requested address \(address) is in AddressPool \(pool.name), not in \(wanted)")
            }
            guard pool.isOpen(to: request.key.namespace) else {
                return .refuse(
                    "AddressPool \(pool.name) is not open to namespace \(request.key.namespace)")
            }
            if let holder = holders(address).first(where: { $0.key != request.key && !request.canShare(with: $0) }) {
                return .refuse("requested address \(address) is in use by Service \(holder.key)")
            }
            name = pool.name
        }
        return .assign(request.addresses, pool: name)
    }

    private func assignAny(
        _ request: LoadBalancerRequest, _ holders: (IPAddress) -> [LoadBalancerRequest]
    ) -> LoadBalancerDecision {
        let candidates: [PoolAddresses]
        if let name = request.pool {
            guard let pool = pools.first(where: { $0.name == name }) else {
                return .refuse("there is no AddressPool \(name)")
            }
            guard pool.isOpen(to: request.key.namespace) else {
                return .refuse("AddressPool \(name) is not open to namespace \(request.key.namespace)")
            }
            candidates = [pool]
        } else {
            candidates = pools.filter { $0.assignsAutomatically && $0.isOpen(to: request.key.namespace) }
            if candidates.isEmpty { return .refuse("no AddressPool assigns addresses to this Service automatically") }
        }
        var partial: LoadBalancerDecision?
        for pool in candidates {
            let found = request.families.compactMap { family in
                freeAddress(in: pool, family: family, for: request, holders)
            }
            if found.count == request.families.count { return .assign(found, pool: pool.name) }
            if !found.isEmpty, !request.needsEveryFamily, partial == nil {
                partial = .assign(found, pool: pool.name)
            }
        }
        return partial ?? .refuse("no available addresses")
    }

    /// The first address that is free or may be shared.
    private func freeAddress(
        in pool: PoolAddresses, family: IPFamily, for request: LoadBalancerRequest,
        _ holders: (IPAddress) -> [LoadBalancerRequest]
    ) -> IPAddress? {
        for range in pool.ranges where range.family == family {
            var next: IPAddress? = range.first
            while let address = next, address <= range.last {
                if pool.isChoosable(address),
                    holders(address).allSatisfy({ $0.key == request.key || request.canShare(with: $0) })
                {
                    return address
                }
                next = address == range.last ? nil : address.advanced(by: 1)
            }
        }
        return nil
    }
}
