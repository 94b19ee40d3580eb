package import NetworkTypes

/// Decides which new connections a server takes. Callers over a unix socket have places of their own, so that strangers
/// on the network cannot lock out the people of this machine; no single peer address may take all others' places. Pure.
package struct ConnectionAdmission: Sendable {
    package enum Decision: Sendable, Hashable {
        /// Counted until ``leave(_:)``.
        case admitted
        /// This peer has its share: the connection is closed.
        case peerHasItsShare
        /// Every place is taken.
        case full
    }

    package struct Limits: Sendable, Hashable {
        /// Connections over the network.
        package var network: Int
        /// Of these, connections of one peer (``PeerKey``).
        package var perPeer: Int
        /// Connections over unix sockets.
        package var local: Int

        /// `perPeer` is a quarter of `network` where none is given: enough for every client behind one address
        /// translator, too little for one to starve the others.
        package init(network: Int, perPeer: Int? = nil, local: Int = 1024) {
            self.network = max(1, network)
            self.perPeer = max(1, perPeer ?? max(64, network / 4))
            self.local = max(1, local)
        }
    }

    package let limits: Limits
    package private(set) var networkCount = 0
    package private(set) var localCount = 0
    private var peers: [PeerKey: Int] = [:]

    package init(_ limits: Limits) { self.limits = limits }

    /// Peers with connections.
    package var peerCount: Int { peers.count }

    /// Whether a connection of that kind could be taken, whoever sends it.
    package func hasRoom(isLocal: Bool) -> Bool {
        isLocal ? localCount < limits.local : networkCount < limits.network
    }

    /// - Parameter peer: nil for a unix socket.
    package mutating func admit(_ peer: IPAddress?) -> Decision {
        guard hasRoom(isLocal: peer == nil) else { return .full }
        guard let peer else {
            localCount += 1
            return .admitted
        }
        let key = PeerKey(peer)
        let count = peers[key, default: 0]
        guard count < limits.perPeer else { return .peerHasItsShare }
        peers[key] = count + 1
        networkCount += 1
        return .admitted
    }

    /// Gives the place of an admitted connection back.
    package mutating func leave(_ peer: IPAddress?) {
        guard let peer else {
            localCount -= 1
            return
        }
        networkCount -= 1
        let key = PeerKey(peer)
        if let count = peers[key] { peers[key] = count > 1 ? count - 1 : nil }
    }
}
