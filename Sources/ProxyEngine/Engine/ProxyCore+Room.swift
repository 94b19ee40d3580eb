internal import NetworkTypes
internal import Transport

// Who goes when there is no room for all.
extension ProxyCore {
    /// What ending a connection costs its client, least first.
    private enum Standing: Int {
        /// Over already, or not worth waiting for: it is being closed, or its request's body comes too slowly.
        case spent
        /// Has sent no request yet.
        case stranger
        /// Between requests.
        case idle
        /// Its request is still coming.
        case sending
        /// Is being served, or carries another protocol or streams.
        case busy
    }

    /// How many of a peer's connections are looked at, oldest first, for the one that is missed least.
    private static var lookedAt: Int { 256 }

    private var isFull: Bool { clients.count - streamCount > limits.maxConnections }

    /// Finds a place for a newcomer.
    ///
    /// Strangers have half of all places and make room among themselves first (``UnprovenConnections``). When all places
    /// are taken, the peer that has the most gives one up, whatever it does there, so that no peer can shut others out; a
    /// peer that is alone may have them all.
    mutating func isAdmitted(_ c: Client) -> Bool {
        let peer = PeerKey(c.pointee.address.ip)
        held.take(c.handle, for: peer)
        if case .takeAfterClosing(let other, let reason) = unproven.arrived(c.handle, from: peer) {
            makeRoom(other, reason) { $0.pointee.requestsServed > 0 }
        }
        if !isFull || takesPlace(c, of: peer) { return true }
        note(.full)
        return false
    }

    /// The state of a handshake takes memory before anything is known of the client: too many of them make room for one
    /// another.
    mutating func beginHandshake(_ c: Client) {
        c.pointee.isHandshaking = true
        let decision = handshakes.arrived(c.handle, from: PeerKey(c.pointee.address.ip))
        guard case .takeAfterClosing(let other, let reason) = decision else { return }
        makeRoom(other, reason) { !$0.pointee.isHandshaking }
    }

    /// Whether a connection ended for a newcomer. A peer with no more than the newcomer's loses none but a stranger.
    private mutating func takesPlace(_ c: Client, of peer: PeerKey) -> Bool {
        guard let largest = held.largest else { return false }
        let own = held.count(of: peer)
        if largest.count > own { return endsOne(of: largest.holder, upTo: .busy, besides: c) }
        if endsOne(of: peer, upTo: .stranger, besides: c) { return true }
        guard let other = unproven.largest?.peer, other != peer, held.count(of: other) >= own,
            case .takeAfterClosing(let stranger, let reason) = unproven.arrived(c.handle, from: peer, room: .none)
        else { return false }
        makeRoom(stranger, reason) { $0.pointee.requestsServed > 0 }
        return !isFull
    }

    /// Ends the connection of a peer that it misses least. One whose delay turns out to be ours is passed over.
    private mutating func endsOne(of peer: PeerKey, upTo most: Standing, besides newcomer: Client) -> Bool {
        for _ in 0..<4 {
            guard let c = mostExpendable(of: peer, besides: newcomer) else { return false }
            let handle = c.handle
            catchUp(c)
            guard let c = clients.resolve(handle) else { return true }
            guard standing(c).rawValue <= most.rawValue else { continue }
            giveUp(c)
            note(most == .busy ? .madeRoom : .peerShare)
            return true
        }
        return false
    }

    private func mostExpendable(of peer: PeerKey, besides newcomer: Client) -> Client? {
        var best: (client: Client, standing: Standing)?
        for handle in held.oldest(of: peer, limit: Self.lookedAt) {
            guard handle != newcomer.handle, let c = clients.resolve(handle) else { continue }
            let standing = standing(c)
            if standing == .spent { return c }
            if standing.rawValue < best?.standing.rawValue ?? .max { best = (c, standing) }
        }
        return best?.client
    }

    private func standing(_ c: Client) -> Standing {
        switch c.pointee.phase {
        case .lingering, .flushingToClose: return .spent
        case .readingHead: return c.pointee.requestsServed == 0 ? .stranger : .idle
        case .exchanging:
            let x = exchanges[c.pointee.exchange]
            if x.pointee.body.isComplete || x.pointee.phase != .waiting { return .busy }
            // Nobody reads the body of one that waits for its turn.
            return x.pointee.flags.isDisjoint(with: [.waiting, .checkingPassword, .asking]) && isDribbling(x)
                ? .spent : .sending
        case .multiplexed:
            if let session = c.pointee.session, !session._withUnsafeGuaranteedRef({ $0.streams.isEmpty }) {
                return .busy
            }
            return c.pointee.requestsServed == 0 ? .stranger : .idle
        case .tunnel, .flushing: return .busy
        }
    }

    /// Closes a client whose place a newcomer gets, unless what it is late with is in the socket already.
    private mutating func makeRoom(
        _ other: Handle<Party.Clients>, _ reason: CrowdingReason, unless isProved: (Client) -> Bool
    ) {
        if let c = clients.resolve(other) { catchUp(c) }
        if let c = clients.resolve(other) {
            if isProved(c) { return }
            abandon(c)
        }
        note(reason)
    }

    /// Reads a client's socket once more: a busy proxy must not blame its clients. What would begin only now may itself need
    /// room.
    private mutating func catchUp(_ c: Client) {
        guard !c.pointee.awaitsTLS, !c.pointee.awaitsProxyHeader else { return }
        c.pointee.mayRead = true
        proceed(c)
    }

    /// Ends a connection at once; a request that was still coming is answered 408.
    private mutating func giveUp(_ c: Client) {
        let handle = c.handle
        if c.pointee.phase == .exchanging {
            let x = exchanges[c.pointee.exchange]
            if x.pointee.phase == .waiting, !x.pointee.body.isComplete {
                detachUpstream(x)
                x.pointee.flags.remove(.keepAlive)
                answer(x, 408)
            }
        }
        if let c = clients.resolve(handle) { abandon(c) }
    }

    private func note(_ reason: CrowdingReason) {
        crowding.note(reason, largest: held.largest.map { ($0.holder, $0.count) }, on: loop)
    }
}
