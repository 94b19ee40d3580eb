/// Connections of strangers: those that have not sent a complete request yet. Connecting and then saying nothing, or half
/// of something, costs a client next to nothing, so these places are never kept from a newcomer: where there is none
/// left, the newcomer gets that of the connection that is missed least. A connection that has proved itself is not in
/// here, and so never has to go for a stranger's sake alone. Pure; each event costs at most the logarithm of the number of peers.
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

    package var limits: Limits
    private var places = HeldPlaces<PeerKey, ID>()

    package init(_ limits: Limits) { self.limits = limits }

    package var count: Int { places.count }

    /// The peer with the most connections.
    package var largest: (peer: PeerKey, count: Int)? { places.largest.map { ($0.holder, $0.count) } }

    /// A connection was accepted. A peer that has its share gives up its own oldest; where all places are taken, the peer
    /// that has the most gives up its oldest. Of several such peers it is the one whose oldest is the oldest of all, so that
    /// of many strangers with one connection each every one has had its time.
    package mutating func arrived(_ id: ID, from key: PeerKey, room: Room = .free) -> Decision {
        left(id)
        let victim: ID
        let reason: CrowdingReason
        if room == .noneForPeer || places.count(of: key) >= limits.perPeer {
            guard let oldest = places.oldest(of: key) else { return .refuse(.peerShare) }
            (victim, reason) = (oldest, .peerShare)
        } else if room == .none || count >= limits.total {
            guard let peer = places.largest?.holder, let oldest = places.oldest(of: peer) else { return .refuse(.full) }
            (victim, reason) = (oldest, .madeRoom)
        } else {
            places.take(id, for: key)
            return .take
        }
        left(victim)
        places.take(id, for: key)
        return .takeAfterClosing(victim, reason)
    }

    /// A complete request has come, or whatever else the book waits for.
    package mutating func proved(_ id: ID) { left(id) }

    /// The connection is closed. Harmless for one that is not in the book.
    package mutating func left(_ id: ID) { places.give(id) }
}
