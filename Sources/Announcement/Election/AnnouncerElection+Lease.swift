extension AnnouncerElection {
    /// This node's own Lease.
    struct OwnLease: Sendable {
        /// As the store has it, and when it was seen to change.
        var stored: (lease: AnnouncerLease, version: UInt64, seen: Duration)?
        /// The write that is under way.
        var write: (lease: AnnouncerLease, sent: Duration)?
        /// It was looked at in the store at least once, and nothing contradicts what is known.
        var isKnown = false
        var isBeingRead = false
        /// The present life holds it, as far as anybody has said.
        var isHeld = false
        /// This node believes in itself until then.
        var trustedUntil: Duration = .zero
        /// When the last renewal that the store has taken was sent.
        var renewed: Duration = .zero
        /// Not before.
        var retry: Duration = .zero

        func nextLook(_ settings: Settings, isNeeded: Bool, _ now: Duration) -> Duration {
            if !isNeeded, !isHeld { return now + .seconds(3600) }
            if write != nil || isBeingRead { return now + settings.period }
            if isHeld { return max(renewed + settings.period, retry) }
            guard let stored, stored.lease.isHeld else { return max(retry, now + settings.period) }
            return max(stored.seen + stored.lease.duration, retry)
        }
    }

    mutating func decideOnLease(at now: Duration) -> [Action] {
        guard lease.write == nil, !lease.isBeingRead, now >= lease.retry else { return [] }
        guard isCandidate, !isStopping else {
            guard lease.isHeld, let stored = lease.stored else { return [] }
            // All claims of this life are void with it: silence comes first.
            let released = AnnouncerLease(
                life: life, isHeld: false, duration: settings.duration, stamp: nextStamp())
            loseLife()
            lease.write = (released, now)
            return [.writeLease(node: node, released, over: stored.version)]
        }
        guard lease.isKnown else {
            lease.isBeingRead = true
            return [.read(.lease(node))]
        }
        if lease.isHeld {
            guard now >= lease.renewed + settings.period else { return [] }
        } else if let stored = lease.stored {
            // Another process of this name, or this one before it was started again: it may still be heard.
            let isOwn = stored.lease.life == life
            if stored.lease.isHeld, !isOwn, now < stored.seen + stored.lease.duration { return [] }
            if !isOwn || !stored.lease.isHeld { life = max(life, stored.lease.life + 1) }
        }
        let renewed = AnnouncerLease(life: life, isHeld: true, duration: settings.duration, stamp: nextStamp())
        lease.write = (renewed, now)
        return [.writeLease(node: node, renewed, over: lease.stored?.version)]
    }

    /// Tells what became of `writeLease`.
    package mutating func finishLease(of node: String, _ outcome: Outcome, at now: Duration) {
        guard node == self.node else { return finishExpiry(of: node, outcome, at: now) }
        guard let write = lease.write else { return }
        lease.write = nil
        switch outcome {
        case .stored(let version):
            guard lease.stored.map({ $0.version <= version }) ?? true else { break }
            lease.stored = (write.lease, version, now)
            guard write.lease.isHeld, write.lease.life == life else { break }
            let isNew = !lease.isHeld
            lease.isHeld = true
            lease.renewed = write.sent
            lease.trustedUntil = write.sent + settings.trust
            if isNew { lookAtAll() }
        case .conflict: lease.isKnown = false
        case .unknown:
            // Tried again over the version that is known; if it came to pass after all, that is a conflict.
            lease.retry = now + Self.retryPause
        }
    }

    /// Tells of a Lease as the store has it, nil for none; of this node's own too. What is older than what is known is passed
    /// over.
    package mutating func observe(leaseOf node: String, _ new: AnnouncerLease?, version: UInt64, at now: Duration) {
        guard node == self.node else { return observe(peer: node, new, version: version, at: now) }
        lease.isBeingRead = false
        if let stored = lease.stored, version < stored.version { return }
        lease.isKnown = true
        guard let new else {
            lease.stored = nil
            return loseLife()
        }
        let isNews = lease.stored?.version != version
        lease.stored = (new, version, isNews ? now : lease.stored?.seen ?? now)
        if lease.isHeld, new.life != life || !new.isHeld { loseLife() }
    }

    /// Whatever this life has claimed is void; the next one begins from nothing.
    mutating func loseLife() {
        guard lease.isHeld else { return }
        lease.isHeld = false
        lease.trustedUntil = .zero
        life += 1
        forgetHeld()
        lookAtAll()
    }

    mutating func lookAtAll() {
        pending.formUnion(wanted.keys)
        settleAll(wanted.keys)
    }
}
