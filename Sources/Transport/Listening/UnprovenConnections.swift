/// Connections of strangers: those that have not sent a complete request yet. Connecting and then saying nothing, or half
/// of something, costs a client next to nothing, so these places are never kept from a newcomer: where there is none
/// left, the newcomer gets that of the connection that is missed least. A connection that has proved itself is not in
/// here, and so never has to go. Pure; each event costs at most the logarithm of the number of peers.
///
/// A loop has one of all its strangers, and one of those of them that have the state of a TLS handshake.
package struct UnprovenConnections<ID: Hashable & Sendable>: Sendable {
    package struct Limits: Sendable, Hashable {
        /// Connections at a time.
        package var total: Int
        /// Of these, connections of one peer (``PeerKey``).
        package var perPeer: Int

        /// - Parameter perPeer: A quarter of `total` where none is given; of few places one peer may have all, since it is
        ///   the first to give one up.
        package init(total: Int, perPeer: Int? = nil) {
            self.total = max(1, total)
            self.perPeer = min(self.total, max(1, perPeer ?? max(64, total / 4)))
        }
    }

    /// What a connection finds outside of this book, where the proven ones are counted too.
    package enum Room: Sendable, Hashable {
        case free
        /// Its peer has as many connections as it may have: it must be instead of another one of that peer.
        case noneForPeer
        /// There are as many connections as there may be: it must be instead of another one.
        case none
    }

    package enum Decision: Sendable, Hashable {
        /// The newcomer is in the book.
        case take
        /// The newcomer is in the book, the other one no longer: it is to be closed.
        case takeAfterClosing(ID, CrowdingReason)
        /// Nothing can be closed for it: the newcomer is to be closed.
        case refuse(CrowdingReason)
    }

    private struct Entry {
        let peer: PeerKey
        let number: UInt64
        var older: ID?
        var newer: ID?
    }

    private struct Peer {
        var count = 0
        var oldest: ID
        var newest: ID
    }

    package var limits: Limits
    private var entries: [ID: Entry] = [:]
    private var peers: [PeerKey: Peer] = [:]
    private var ranking = PeerRanking()
    private var arrivals: UInt64 = 0

    package init(_ limits: Limits) { self.limits = limits }

    package var count: Int { entries.count }

    /// The peer with the most connections.
    package var largest: (peer: PeerKey, count: Int)? { ranking.first.map { ($0.peer, $0.count) } }

    /// A connection was accepted. A peer that has its share gives up its own oldest; where all places are taken, the peer
    /// that has the most gives up its oldest. Of several such peers it is the one whose oldest is the oldest of all, so that
    /// of many strangers with one connection each every one has had its time.
    package mutating func arrived(_ id: ID, from key: PeerKey, room: Room = .free) -> Decision {
        left(id)
        let own = peers[key]
        let victim: ID
        let reason: CrowdingReason
        if room == .noneForPeer || own.map({ $0.count >= limits.perPeer }) ?? false {
            guard let own else { return .refuse(.peerShare) }
            (victim, reason) = (own.oldest, .peerShare)
        } else if room == .none || count >= limits.total {
            guard let peer = ranking.first?.peer, let largest = peers[peer] else { return .refuse(.full) }
            (victim, reason) = (largest.oldest, .madeRoom)
        } else {
            insert(id, key)
            return .take
        }
        left(victim)
        insert(id, key)
        return .takeAfterClosing(victim, reason)
    }

    /// A complete request has come, or whatever else the book waits for.
    package mutating func proved(_ id: ID) { left(id) }

    /// The connection is closed. Harmless for one that is not in the book.
    package mutating func left(_ id: ID) {
        guard let entry = entries.removeValue(forKey: id), var peer = peers[entry.peer] else { return }
        if let older = entry.older { entries[older]?.newer = entry.newer }
        if let newer = entry.newer { entries[newer]?.older = entry.older }
        guard let oldest = entry.older == nil ? entry.newer : peer.oldest,
            let newest = entry.newer == nil ? entry.older : peer.newest
        else {
            peers[entry.peer] = nil
            return ranking.remove(entry.peer)
        }
        peer.oldest = oldest
        peer.newest = newest
        peer.count -= 1
        keep(peer, entry.peer)
    }

    private mutating func insert(_ id: ID, _ key: PeerKey) {
        arrivals += 1
        var peer = peers[key] ?? Peer(oldest: id, newest: id)
        let older = peer.count > 0 ? peer.newest : nil
        entries[id] = Entry(peer: key, number: arrivals, older: older)
        if let older { entries[older]?.newer = id }
        peer.newest = id
        peer.count += 1
        keep(peer, key)
    }

    private mutating func keep(_ peer: Peer, _ key: PeerKey) {
        peers[key] = peer
        let number = entries[peer.oldest]?.number ?? 0
        ranking.update(PeerRanking.Standing(peer: key, count: peer.count, oldest: number))
    }
}
