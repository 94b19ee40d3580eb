import KubeModel

/// Who leads, decided purely: what to write given the Lease as it is, and whether we may act as leader.
///
/// Time is the local monotonic clock as a duration since any fixed moment: the clocks of candidates need not agree,
/// because a Lease expires only `leaseDuration` after *we* last saw it change (client-go `leaderelection`).
struct LeaderElectionState: Sendable {
    enum Decision: Equatable, Sendable {
        /// Write this spec over the Lease as it was observed.
        case take(LeaseSpec)
        /// Somebody else leads; look again later.
        case wait
    }

    let identity: String
    let leaseDuration: Duration
    private var observed: LeaseSpec?
    private var observedAt: Duration = .zero

    init(identity: String, leaseDuration: Duration) {
        self.identity = identity
        self.leaseDuration = leaseDuration
    }

    /// Who held the Lease when it was last seen.
    var leader: String? { observed?.holderIdentity.flatMap { $0.isEmpty ? nil : $0 } }

    /// Notes a Lease as the server has it.
    mutating func observe(_ spec: LeaseSpec, at now: Duration) {
        guard spec != observed else { return }
        observed = spec
        observedAt = now
    }

    /// What to do about a Lease that was just observed; nil stands for none.
    mutating func decide(on lease: LeaseSpec?, at now: Duration, wallClock: MicroTime) -> Decision {
        if let lease { observe(lease, at: now) }
        let holder = lease?.holderIdentity ?? ""
        if !holder.isEmpty, holder != identity {
            // The holder's own duration counts: it may be configured otherwise than ours.
            let lasts = lease?.leaseDurationSeconds.map { Duration.seconds($0) } ?? leaseDuration
            if now - observedAt < lasts { return .wait }
        }
        return .take(
            LeaseSpec(
                holderIdentity: identity, leaseDurationSeconds: Int(leaseDuration.components.seconds),
                acquireTime: holder == identity ? lease?.acquireTime ?? wallClock : wallClock, renewTime: wallClock,
                leaseTransitions: (lease?.leaseTransitions ?? 0) + (lease != nil && holder != identity ? 1 : 0)))
    }

    /// The spec that gives up a Lease, so that the next candidate need not wait.
    func released(_ lease: LeaseSpec, wallClock: MicroTime) -> LeaseSpec {
        var lease = lease
        lease.holderIdentity = ""
        lease.leaseDurationSeconds = 1
        lease.renewTime = wallClock
        lease.acquireTime = wallClock
        return lease
    }
}
