import KubeModel
import NetworkTypes

extension LoadBalancerPlanner {
    /// - Returns: with a reason in MetalLB's words where MetalLB has any.
    mutating func decide(_ request: LoadBalancerRequest) -> LoadBalancerDecision {
        if let problem = request.problem { return .refuse(problem, withdraws: false) }
        if isCurrentRight(request) { return completed(request) ?? .keep }
        if pools.isEmpty { return .refuse("no available IPs: there is no IPAddressPool or AddressPool") }
        return request.addresses.isEmpty ? assignAny(request) : assignRequested(request)
    }

    // MARK: What it has

    /// A change of the Service moves it; one of the pools takes nothing away from it.
    private func isCurrentRight(_ request: LoadBalancerRequest) -> Bool {
        guard !request.current.isEmpty else { return false }
        if !request.addresses.isEmpty {
            guard Set(request.addresses) == Set(request.current) else { return false }
        } else {
            let families = Set(request.current.map(\.family))
            guard families.count == request.current.count, families.isSubset(of: request.families) else { return false }
            if request.needsEveryFamily, families != Set(request.families) { return false }
        }
        if let wanted = request.pool, wanted != request.allocatedFrom {
            let isThere = request.current.allSatisfy { address in
                numbers(ofPoolsWith: address).contains { pools[$0].name == wanted }
            }
            if !isThere { return false }
        }
        let holder = request.holder
        return request.current.allSatisfy { address in
            holders(of: address).allSatisfy { other in
                other.key == request.key || holder.canShare(with: other) || holder.precedes(other)
            }
        }
    }

    /// With an address of the family that it prefers to have too, when there is one by now.
    private mutating func completed(_ request: LoadBalancerRequest) -> LoadBalancerDecision? {
        let present = Set(request.current.map(\.family))
        guard request.addresses.isEmpty, !request.needsEveryFamily, present.count < request.families.count,
            case .success(let candidates) = candidates(for: request)
        else { return nil }
        let own = poolName(of: request.current, preferring: request.pool)
        // The pool that the first address is from comes first.
        let order = candidates.filter { pools[$0].name == own } + candidates.filter { pools[$0].name != own }
        for family in request.families where !present.contains(family) {
            for pool in order {
                guard let address = lowest(in: pool, family, for: request.holder) else { continue }
                let addresses = request.families.flatMap { wanted in
                    wanted == family ? [address] : request.current.filter { $0.family == wanted }
                }
                return .assign(addresses, pool: own ?? pools[pool].name)
            }
        }
        return nil
    }

    // MARK: Exactly these

    private func assignRequested(_ request: LoadBalancerRequest) -> LoadBalancerDecision {
        let list = quotedList(request.addresses)
        let families = Set(request.addresses.map(\.family))
        guard families.isSubset(of: request.families), !request.needsEveryFamily || families == Set(request.families)
        else { return .refuse("requested loadBalancer IP(s) \(list) does not match the ipFamily of the service") }
        var name: String?
        for address in request.addresses {
            let offering = numbers(ofPoolsWith: address).filter { pools[$0].offers(address) }
            if offering.isEmpty { return .refuse("\(quotedList([address])) is not allowed in config") }
            let wanted = offering.filter { request.pool == nil || pools[$0].name == request.pool }
            guard let first = wanted.first else {
                return .refuse(
                    "requested loadBalancer IP(s) \(list) is not compatible with requested address pool "
                        + (request.pool ?? ""))
            }
            guard let pool = wanted.first(where: { pools[$0].isOpen(to: request) }) else {
                return .refuse("pool \(pools[first].name) not compatible for ip assignment")
            }
            if let reason = conflict(over: address, request.holder) { return .refuse(reason) }
            name = name ?? pools[pool].name
        }
        return .assign(request.addresses, pool: poolName(of: request.addresses, preferring: name) ?? "")
    }

    private func conflict(over address: IPAddress, _ holder: AddressHolder) -> String? {
        let others = holders(of: address).filter { $0.key != holder.key && !holder.canShare(with: $0) }
        guard let first = others.first else { return nil }
        guard holder.sharing != nil, holder.sharing == first.sharing else {
            // A few are enough to see what is the matter.
            let names = others.prefix(3).map(\.key.description).sorted().joined(separator: ",")
            return "can't change sharing key for \(goQuoted(holder.key.description)), address also in use by \(names)"
        }
        let port = holder.ports.intersection(first.ports).min()
        return "port \(port?.description ?? "") is already in use on \(goQuoted(address.description))"
    }

    // MARK: Any

    private struct NoCandidate: Error { var reason: String }

    /// The numbers of the pools to try, in order: those that are for some Services before those that are for all, and of the
    /// former the one with the lowest priority first.
    private func candidates(for request: LoadBalancerRequest) -> Result<[Int], NoCandidate> {
        if let wanted = request.pool {
            let named = pools.indices.filter { pools[$0].name == wanted }
            if named.isEmpty { return .failure(NoCandidate(reason: "unknown pool \(goQuoted(wanted))")) }
            let open = named.filter { pools[$0].isOpen(to: request) }
            if open.isEmpty { return .failure(NoCandidate(reason: "pool \(wanted) not compatible for ip assignment")) }
            return .success(open)
        }
        let open = pools.indices.filter { pools[$0].assignsAutomatically && pools[$0].isOpen(to: request) }
        if open.isEmpty {
            return .failure(
                NoCandidate(reason: "no available IPs: no pool assigns addresses to this Service automatically"))
        }
        let ranked = open.map { number in
            let audience = pools[number].audience
            return (isForAll: audience == nil ? 1 : 0, priority: audience?.priority ?? .max, number: number)
        }
        return .success(ranked.sorted { $0 < $1 }.map(\.number))
    }

    private mutating func assignAny(_ request: LoadBalancerRequest) -> LoadBalancerDecision {
        let candidates: [Int]
        switch self.candidates(for: request) {
        case .failure(let none): return .refuse(none.reason)
        case .success(let found): candidates = found
        }
        var choices: [(pool: Int, addresses: [IPFamily: IPAddress])] = []
        for pool in candidates {
            var found: [IPFamily: IPAddress] = [:]
            for family in request.families { found[family] = choice(in: pool, family, request) }
            if found.count == request.families.count { return assignment(found, pool, request) }
            if !found.isEmpty { choices.append((pool, found)) }
        }
        // No pool has all families: each from the first that has it.
        var gathered: [IPFamily: IPAddress] = [:]
        for choice in choices { gathered.merge(choice.addresses) { first, _ in first } }
        if let first = choices.first, gathered.count == request.families.count || !request.needsEveryFamily {
            return assignment(gathered, first.pool, request)
        }
        guard let wanted = request.pool else { return .refuse("no available IPs") }
        let family = request.families.count > 1 ? "dual" : request.families.first == .v6 ? "ipv6" : "ipv4"
        return .refuse("no available IPs in pool \(goQuoted(wanted)) for \(family) IPFamily")
    }

    /// The address that it has of the pool, or else the lowest that there is.
    private mutating func choice(in pool: Int, _ family: IPFamily, _ request: LoadBalancerRequest) -> IPAddress? {
        let holder = request.holder
        let own = request.current.first { address in
            address.family == family && pools[pool].offers(address) && isAvailable(address, to: holder)
        }
        return own ?? lowest(in: pool, family, for: holder)
    }

    private func assignment(_ found: [IPFamily: IPAddress], _ pool: Int, _ request: LoadBalancerRequest)
        -> LoadBalancerDecision
    {
        .assign(request.families.compactMap { found[$0] }, pool: pools[pool].name)
    }

    /// As Go prints a list of texts with `%q`.
    private func quotedList(_ addresses: [IPAddress]) -> String {
        "[" + addresses.map { goQuoted($0.description) }.joined(separator: " ") + "]"
    }
}
