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

    /// The frontends that are to be.
    package private(set) var frontends: [FrontendKey: Frontend] = [:]
    private var claims: [FrontendKey: [NamespacedName: Claim]] = [:]
    private var owners: [FrontendKey: NamespacedName] = [:]
    private var keys: [NamespacedName: Set<FrontendKey>] = [:]

    package init() {}

    /// What a Service wants of an address.
    private struct Claim {
        var frontend: Frontend
        /// When the Service was made.
        var created: Int64

        /// Addresses that the server gave out come before those that people wrote down: nobody gets another's by naming
        /// it. Among equals the older Service has it, after a restart as well and on every node.
        func comesBefore(_ other: Claim) -> Bool {
            (rank, created) < (other.rank, other.created)
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
            let touched = (keys[change.key] ?? []).union(wanted.keys)
            keys[change.key] = wanted.isEmpty ? nil : Set(wanted.keys)
            for key in touched {
                if !previous.keys.contains(key) { previous[key] = .some(frontends[key]) }
                let isReserved = key.transport == .tcp && node.apiServers.contains(key.address)
                claim(
                    key, isReserved: isReserved, for: change.key,
                    wanted[key].map { Claim(frontend: $0, created: change.after?.created ?? 0) })
            }
        }
        var sets: [Change] = []
        for (key, before) in previous {
            switch (before, frontends[key]) {
            case (let before, let after?): sets.append(.set(key, after, replacing: before))
            case (let before?, nil): plan.changes.append(.remove(key, before))
            case (nil, nil): break
            }
            if let claimants = claims[key]?.keys { plan.affected.formUnion(claimants) }
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
                guard let role = claims[key]?[service]?.frontend.role else { continue }
                guard let owner = owners[key] else {
                    problems.append(
                        EnforcementProblem(
                            key: key, role: role, reason: .reserved, message: "the API server of this node has it"))
                    continue
                }
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

    private mutating func claim(
        _ key: FrontendKey, isReserved: Bool, for service: NamespacedName, _ claim: Claim?
    ) {
        var claimants = claims[key] ?? [:]
        claimants[service] = claim
        claims[key] = claimants.isEmpty ? nil : claimants
        guard !isReserved else {
            owners[key] = nil
            frontends[key] = nil
            return
        }
        var winner = owners[key].flatMap { owner in claimants[owner].map { (owner, $0) } }
        for (name, claim) in claimants {
            guard let best = winner else {
                winner = (name, claim)
                continue
            }
            let isEqual = !claim.comesBefore(best.1) && !best.1.comesBefore(claim)
            // Equals: whoever has it keeps it, and at the start the first by name gets it.
            if claim.comesBefore(best.1) || isEqual && best.0 != owners[key] && name < best.0 { winner = (name, claim) }
        }
        owners[key] = winner?.0
        frontends[key] = winner?.1.frontend
    }
}
