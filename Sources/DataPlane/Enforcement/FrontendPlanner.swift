package import KubeModel
package import TrafficModel

/// Decides which frontends an enforcer has to have as Services change. Pure, and the same for every enforcer.
///
/// - A frontend stays while its Service wants it, with or without endpoints: what becomes of traffic without endpoints
///   is the enforcer's to carry out (`Frontend.absence`).
/// - What an API server of this node has is nobody else's (`NodeIdentity.apiServers`): to claim it is reported.
/// - When two Services claim one address the one that has it keeps it; a free address goes to the first in order of
///   namespace and name. The others are reported as conflicts and get it when it becomes free.
package struct FrontendPlanner: Sendable {
    package enum Change: Hashable, Sendable {
        /// The frontend is to be as given; `replacing` is what it was before, nil when it is new. Equal values are not
        /// left out when a Service was named in a batch: its enforcer looks at it again.
        case set(FrontendKey, Frontend, replacing: Frontend?)
        case remove(FrontendKey, Frontend)

        package var key: FrontendKey {
            switch self {
            case .set(let key, _, _), .remove(let key, _): key
            }
        }
    }

    /// Who has an address, and who else would like to.
    private struct Holding {
        var claim: Claim
        /// Almost always nobody.
        var rivals: [Claim] = []

        func claim(of service: NamespacedName) -> Claim? {
            claim.service == service ? claim : rivals.first { $0.service == service }
        }
    }

    private var holdings: [FrontendKey: Holding] = [:]
    /// What Services want of addresses that an API server of this node has: nobody gets them.
    private var reserved: [FrontendKey: [Claim]] = [:]
    /// The addresses that each Service claims.
    private var keys: [NamespacedName: [FrontendKey]] = [:]

    package init() {}

    /// The addresses for which there is to be a frontend.
    package var addresses: some Collection<FrontendKey> { holdings.keys }

    /// The frontend that is to be at an address.
    package subscript(key: FrontendKey) -> Frontend? { holdings[key]?.claim.frontend }

    /// What a Service wants of an address.
    private struct Claim {
        var frontend: Frontend
        /// When the Service was made.
        var created: Int64

        var service: NamespacedName { frontend.backend.port.service }

        /// Addresses that the server gave out come before those that people wrote down: nobody gets another's by naming
        /// it. Among equals the older Service has it, after a restart as well and on every node; of those as old whoever
        /// has it keeps it, and at the start the first by name gets it.
        func comesBefore(_ other: Claim, holder: NamespacedName?) -> Bool {
            guard (rank, created) == (other.rank, other.created) else {
                return (rank, created) < (other.rank, other.created)
            }
            guard (service == holder) == (other.service == holder) else { return service == holder }
            return service < other.service
        }

        private var rank: Int {
            switch frontend.role {
            case .clusterIP, .nodePort: 0
            case .loadBalancerIP: 1
            case .externalIP: 2
            }
        }
    }

    /// What a batch comes to.
    package struct Plan: Sendable {
        /// Each frontend once, removals first.
        package var changes: [Change] = []
        /// The Services that a report has to speak of: those of the batch that exist, and all that claim an address
        /// which it touches.
        package var affected: Set<NamespacedName> = []
    }

    /// Takes in the changes of a batch.
    package mutating func plan(_ changes: [ServiceChange], on node: NodeIdentity) -> Plan {
        var plan = Plan()
        var previous: [FrontendKey: Frontend?] = [:]
        for change in changes {
            if change.after != nil { plan.affected.insert(change.key) }
            let wanted = change.after?.frontends(on: node) ?? [:]
            let touched = Set(wanted.keys).union(keys[change.key] ?? [])
            keys[change.key] = wanted.isEmpty ? nil : Array(wanted.keys)
            for key in touched {
                if !previous.keys.contains(key) { previous[key] = .some(self[key]) }
                let isReserved = key.transport == .tcp && node.apiServers.contains(key.address)
                claim(
                    key, isReserved: isReserved, for: change.key,
                    wanted[key].map { Claim(frontend: $0, created: change.after?.created ?? 0) })
            }
        }
        var sets: [Change] = []
        for (key, before) in previous {
            switch (before, self[key]) {
            case (let before, let after?): sets.append(.set(key, after, replacing: before))
            case (let before?, nil): plan.changes.append(.remove(key, before))
            case (nil, nil): break
            }
            if let holding = holdings[key] {
                plan.affected.insert(holding.claim.service)
                plan.affected.formUnion(holding.rivals.lazy.map(\.service))
            }
            plan.affected.formUnion(reserved[key, default: []].lazy.map(\.service))
        }
        plan.changes += sets
        return plan
    }

    /// What a report says of the Services that a plan affects: their conflicts, and what `failure` knows of the
    /// frontends that they own.
    package func problems(
        of services: Set<NamespacedName>,
        failure: (FrontendKey) -> (reason: EnforcementProblem.Reason, message: String)?
    ) -> [NamespacedName: [EnforcementProblem]] {
        var result: [NamespacedName: [EnforcementProblem]] = [:]
        for service in services {
            var problems: [EnforcementProblem] = []
            for key in keys[service] ?? [] {
                if let claim = reserved[key]?.first(where: { $0.service == service }) {
                    problems.append(
                        EnforcementProblem(
                            key: key, role: claim.frontend.role, reason: .reserved,
                            message: "the API server of this node has it"))
                    continue
                }
                guard let holding = holdings[key], let role = holding.claim(of: service)?.frontend.role else {
                    continue
                }
                let owner = holding.claim.service
                if owner != service {
                    problems.append(
                        EnforcementProblem(
                            key: key, role: role, reason: .conflict(winner: owner),
                            message: "it is served for Service \(owner)"))
                } else if let failure = failure(key) {
                    problems.append(
                        EnforcementProblem(key: key, role: role, reason: failure.reason, message: failure.message))
                }
            }
            result[service] = problems.sorted { $0.key < $1.key }
        }
        return result
    }

    private mutating func claim(_ key: FrontendKey, isReserved: Bool, for service: NamespacedName, _ claim: Claim?) {
        let before = holdings.removeValue(forKey: key)
        var claims = reserved.removeValue(forKey: key) ?? before.map { [$0.claim] + $0.rivals } ?? []
        claims.removeAll { $0.service == service }
        if let claim { claims.append(claim) }
        let holder = before?.claim.service
        guard let first = claims.indices.min(by: { claims[$0].comesBefore(claims[$1], holder: holder) }) else { return }
        guard !isReserved else {
            reserved[key] = claims
            return
        }
        let winner = claims.remove(at: first)
        // An array that was emptied keeps its room.
        holdings[key] = Holding(claim: winner, rivals: claims.isEmpty ? [] : claims)
    }
}
