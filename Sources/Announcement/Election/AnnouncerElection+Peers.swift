extension AnnouncerElection {
    /// Another node as this one sees it.
    struct Peer: Sendable {
        /// Nil for one that has none.
        var lease: AnnouncerLease?
        var version: UInt64 = 0
        /// When it was seen to change last.
        var seen: Duration
        /// Since when its present life is seen.
        var since: Duration
        /// A write that takes it away, or a read, is under way.
        var isBusy = false
        var retry: Duration = .zero
        /// For how long its last Lease was to be believed in.
        var lasted = Peer.longest
        /// Since when the store is known to have no Lease of it.
        var absent: Duration?
        /// That has been so for so long that whatever life it had has fallen silent.
        var isGone = false

        /// For a node whose Lease nobody has read: no Lease lasts longer.
        static let longest: Duration = .seconds(60)

        func isLive(at now: Duration) -> Bool {
            guard let lease, lease.isHeld else { return false }
            return now < seen + lease.duration
        }

        func nextLook(_ now: Duration) -> Duration {
            let never = now + .seconds(3600)
            if isBusy { return never }
            if let lease { return lease.isHeld ? max(seen + lease.duration, retry) : never }
            return isGone ? never : max(now + AnnouncerElection.retryPause, retry)
        }
    }

    mutating func observe(peer node: String, _ new: AnnouncerLease?, version: UInt64, at now: Duration) {
        let known = peers[node]
        peers[node]?.isBusy = false
        guard let new else {
            if let known, version < known.version || known.absent != nil { return }
            var peer = Peer(lease: nil, version: known?.version ?? 0, seen: now, since: now)
            peer.lasted = known?.lease?.duration ?? Peer.longest
            peer.absent = now
            peers[node] = peer
            return lookAtAll()
        }
        if let known, version <= known.version { return }
        let isSameLife = known?.lease.map { $0.life == new.life && $0.isHeld == new.isHeld } ?? false
        peers[node] = Peer(
            lease: new, version: version, seen: now, since: isSameLife ? known?.since ?? now : now)
        // A renewal changes nothing.
        if !isSameLife { lookAtAll() }
    }

    /// Takes Leases away from those who have not been heard of for too long.
    mutating func decideOnPeers(at now: Duration) -> [Action] {
        var actions: [Action] = []
        for (node, peer) in peers where !peer.isBusy && now >= peer.retry {
            guard let lease = peer.lease else {
                if let absent = peer.absent {
                    guard !peer.isGone, now >= absent + peer.lasted else { continue }
                    peers[node]?.isGone = true
                    lookAtAll()
                } else {
                    peers[node]?.isBusy = true
                    actions.append(.read(.lease(node)))
                }
                continue
            }
            guard lease.isHeld, now >= peer.seen + lease.duration else { continue }
            peers[node]?.isBusy = true
            var taken = lease
            taken.isHeld = false
            taken.stamp = nextStamp()
            actions.append(.writeLease(node: node, taken, over: peer.version))
        }
        return actions
    }

    mutating func finishExpiry(of node: String, _ outcome: Outcome, at now: Duration) {
        guard var peer = peers[node] else { return }
        peer.isBusy = false
        switch outcome {
        case .stored(let version):
            // Else it has come back in the meantime.
            guard version > peer.version else { break }
            peer.version = version
            peer.lease?.isHeld = false
            peer.since = now
            peers[node] = peer
            return lookAtAll()
        case .conflict, .unknown: peer.retry = now + Self.retryPause
        }
        peers[node] = peer
    }
}
