import NetworkTypes
import Transport

/// The places of one loop's TCP connections. A connection that waits for nothing, be it silent or answered, costs its peer
/// next to nothing and can be had again at any time (RFC 7766, 6.2.3): its place is never kept from a newcomer. The one that
/// is missed least goes: of the peer with the most, the one that was silent for longest.
struct StreamPlaces {
    enum Arrival: Equatable {
        case taken
        /// The place of this one is to be had: it is to be closed, then ``claim(_:_:)`` says whether that was in time.
        case afterClosing(UInt64, CrowdingReason)
        case refused(CrowdingReason)
    }

    /// How many connections that were used since they came into the book are put at its end before one of them has to go
    /// all the same.
    private static let secondChances = 16

    /// Those of all loops.
    private let network: SharedAdmission
    /// Those of them that are of strangers.
    private let strangers: SharedAdmission
    /// Connections of this loop that wait for nothing. Their number and shares are for `network` to bound.
    private var idle = UnprovenConnections<UInt64>(.init(total: .max, perPeer: .max))

    init(network: SharedAdmission, strangers: SharedAdmission) {
        self.network = network
        self.strangers = strangers
    }

    /// Whether a newcomer could have a place.
    var hasRoom: Bool { network.hasRoom(isLocal: false) || idle.count > 0 }

    /// The peer with the most idle connections.
    var largest: (peer: PeerKey, count: Int)? { idle.largest }

    /// A connection was accepted. A stranger takes nobody's place.
    ///
    /// - Parameter takeUse: whether a connection was used since this was last asked, or since it came.
    mutating func arrived(
        _ token: UInt64, from ip: IPAddress, isStranger: Bool, takeUse: (UInt64) -> Bool
    ) -> Arrival {
        if isStranger, strangers.admit(ip) != .admitted { return .refused(.peerShare) }
        let room: UnprovenConnections<UInt64>.Room
        switch network.admit(ip) {
        case .admitted:
            rested(token, of: ip)
            return .taken
        case .peerHasItsShare: room = .noneForPeer
        case .full: room = .none
        }
        if isStranger {
            strangers.leave(ip)
            return .refused(room == .none ? .full : .peerShare)
        }
        let key = PeerKey(ip)
        for chance in 0...Self.secondChances {
            switch idle.arrived(token, from: key, room: room) {
            case .take: return .taken
            case .refuse(let reason): return .refused(reason)
            case .takeAfterClosing(let victim, let reason):
                guard chance < Self.secondChances, takeUse(victim), let peer = peers[victim] else {
                    peers[token] = ip
                    return .afterClosing(victim, reason)
                }
                idle.left(token)
                rested(victim, of: peer)
            }
        }
        return .refused(.full)
    }

    /// By token, those in the book.
    private var peers: [UInt64: IPAddress] = [:]

    /// Takes the place that was made; false where somebody on another loop was faster.
    mutating func claim(_ token: UInt64, _ ip: IPAddress) -> Bool {
        guard network.admit(ip) != .admitted else { return true }
        forget(token)
        return false
    }

    /// Something is under way for it.
    mutating func busy(_ token: UInt64) { forget(token) }

    /// Nothing is under way for it any more.
    mutating func rested(_ token: UInt64, of ip: IPAddress) {
        _ = idle.arrived(token, from: PeerKey(ip))
        peers[token] = ip
    }

    /// It is closed.
    mutating func left(_ token: UInt64, _ ip: IPAddress, isStranger: Bool) {
        forget(token)
        network.leave(ip)
        if isStranger { strangers.leave(ip) }
    }

    private mutating func forget(_ token: UInt64) {
        idle.left(token)
        peers[token] = nil
    }
}
