/// Whether a peer is alive, within a few intervals: a session of RFC 5880 in asynchronous mode, without sockets or
/// clocks. It takes packets and the time, and answers what to do; between them the caller waits until ``nextDeadline``.
package struct BFDSession: Sendable {
    package struct Configuration: Hashable, Sendable {
        /// How often we send once the session is up, at most.
        package var transmitInterval = Duration.milliseconds(300)
        /// How often we take packets, at most.
        package var receiveInterval = Duration.milliseconds(300)
        /// How many of our packets may be missing before the peer gives us up; not 0.
        package var detectMultiplier: UInt8 = 3
        /// Says nothing until the peer does.
        package var isPassive = false

        package init() {}
    }

    package enum Action: Hashable, Sendable {
        case send(BFDPacket)
        case up
        /// The peer was up and is not any more.
        case down(BFDPacket.Diagnostic)
    }

    package let configuration: Configuration
    /// Names this session alone on this machine.
    package private(set) var discriminator: UInt32
    package private(set) var state = BFDPacket.State.down
    private var diagnostic = BFDPacket.Diagnostic.none

    // What the peer said last.
    private var peerState = BFDPacket.State.down
    private var peerDiscriminator: UInt32 = 0
    private var peerMinRx = Duration.microseconds(1)
    private var peerMinTx = Duration.zero
    private var peerMultiplier: UInt8 = 0

    /// Changed times are announced until the peer has answered.
    private var isPolling = false
    private var nextSend: Duration?
    private var detection: Duration?
    private var random: UInt64
    /// An earlier process of this machine may have left the session to this one: it is listened for before anything is said.
    private var isResuming: Bool
    /// How long the peer was asked to wait for the next process, until it is told of the usual times.
    private var absence: Duration?

    /// Section 6.8.3: not more often than once a second while the session is not up.
    private static let slowInterval = Duration.seconds(1)

    /// How long an earlier process's session is listened for: its peer says something once a second at least, unless it is
    /// configured otherwise.
    private static let resumingTime = Duration.milliseconds(1500)

    /// `discriminator` is not 0 and names this session alone on this machine. `isResuming` says that an earlier process may have
    /// paused a session with the same peer, which this one then goes on with.
    package init(_ configuration: Configuration, discriminator: UInt32, isResuming: Bool = false) {
        self.configuration = configuration
        self.discriminator = discriminator
        self.isResuming = isResuming
        random = UInt64(discriminator)
    }

    /// When ``tick(at:)`` is due.
    package var nextDeadline: Duration? { [nextSend, detection].compactMap(\.self).min() }

    /// Begins to ask for the peer.
    package mutating func start(at now: Duration) -> [Action] {
        guard state != .adminDown, nextSend == nil, !configuration.isPassive else { return [] }
        if isResuming {
            nextSend = now + Self.resumingTime
            return []
        }
        schedule(at: now)
        return [.send(packet())]
    }

    /// Tells the peer that the session ends on purpose, which says nothing about us being alive (RFC 5882, section 4.2).
    package mutating func stop() -> [Action] {
        state = .adminDown
        diagnostic = .administrativelyDown
        nextSend = nil
        detection = nil
        return [.send(packet())]
    }

    /// Asks a peer that is up to wait for the next process of this machine for so long: the last packet of this one says that
    /// packets will be rare. Some routers take any other end, an administrative one too, for the loss of the path (RFC 5882,
    /// section 4.3, leaves that open).
    package mutating func pause(for absence: Duration) -> [Action] {
        guard state == .up else { return stop() }
        self.absence = absence / Int(max(1, configuration.detectMultiplier))
        isPolling = true
        let last = packet()
        nextSend = nil
        detection = nil
        // Nobody hears whether it came.
        return [.send(last), .send(last)]
    }

    /// Whether a packet is for this session: named by it, for whoever has the address, or for the process before.
    package func isFor(_ packet: BFDPacket) -> Bool {
        packet.yourDiscriminator == 0 || packet.yourDiscriminator == discriminator
            || isResuming && packet.state == .up
    }

    /// A packet for this session has come (section 6.8.6).
    package mutating func receive(_ packet: BFDPacket, at now: Duration) -> [Action] {
        guard state != .adminDown, isFor(packet) else { return [] }
        if isResuming {
            isResuming = false
            if packet.state == .up, packet.yourDiscriminator != 0 { return resume(packet, at: now) }
            // What the wait was for does not come.
            nextSend = nil
        }
        peerDiscriminator = packet.discriminator
        peerState = packet.state
        peerMinRx = .microseconds(Int64(packet.requiredMinRx))
        peerMinTx = .microseconds(Int64(packet.desiredMinTx))
        peerMultiplier = packet.detectMultiplier
        if packet.isFinal { isPolling = false }
        let before = state
        var actions = changeState(packet.state)
        detection = peerState == .adminDown ? nil : now + detectionTime
        if packet.isPoll {
            var answer = self.packet()
            answer.isPoll = false
            answer.isFinal = true
            actions.append(.send(answer))
        } else if state != before || nextSend == nil {
            // A state that has changed is told at once.
            actions.append(.send(self.packet()))
        }
        if state != before || nextSend == nil { schedule(at: now) }
        return actions
    }

    /// Goes on where the process before has stopped, as the peer knows it.
    private mutating func resume(_ packet: BFDPacket, at now: Duration) -> [Action] {
        discriminator = packet.yourDiscriminator
        state = .up
        // From the rare packets that were announced to the configured times.
        isPolling = true
        nextSend = nil
        return [.up] + receive(packet, at: now)
    }

    private mutating func changeState(_ peer: BFDPacket.State) -> [Action] {
        switch (state, peer) {
        case (.up, .adminDown), (.up, .down):
            return goDown(.neighborSignaledDown)
        case (.initializing, .adminDown):
            _ = goDown(.neighborSignaledDown)
        case (.down, .down):
            state = .initializing
        case (.down, .initializing), (.initializing, .initializing), (.initializing, .up):
            state = .up
            diagnostic = .none
            // From the slow interval to the configured one (section 6.8.3).
            isPolling = true
            return [.up]
        default: break
        }
        return []
    }

    private mutating func goDown(_ reason: BFDPacket.Diagnostic) -> [Action] {
        let wasUp = state == .up
        state = .down
        diagnostic = reason
        isPolling = false
        return wasUp ? [.down(reason)] : []
    }

    /// Time has passed.
    package mutating func tick(at now: Duration) -> [Action] {
        var actions: [Action] = []
        if let detection, detection <= now {
            self.detection = nil
            // Section 6.8.1: a session that is lost begins anew.
            peerDiscriminator = 0
            peerState = .down
            peerMinRx = .microseconds(1)
            if state == .up || state == .initializing { actions += goDown(.detectionTimeExpired) }
            if configuration.isPassive { nextSend = nil }
        }
        if let nextSend, nextSend <= now {
            isResuming = false
            if peerMinRx > .zero { actions.append(.send(packet())) }
            schedule(at: now)
        }
        return actions
    }

    private var desiredMinTx: Duration {
        if let absence { return absence }
        return state == .up ? configuration.transmitInterval : max(configuration.transmitInterval, Self.slowInterval)
    }

    private var detectionTime: Duration {
        max(configuration.receiveInterval, peerMinTx) * Int(peerMultiplier)
    }

    private func packet() -> BFDPacket {
        var packet = BFDPacket(
            state: state, detectMultiplier: configuration.detectMultiplier, discriminator: discriminator,
            yourDiscriminator: peerDiscriminator, desiredMinTx: desiredMinTx.microseconds,
            requiredMinRx: configuration.receiveInterval.microseconds)
        packet.diagnostic = diagnostic
        packet.isPoll = isPolling
        return packet
    }

    /// Section 6.8.7: up to a quarter less than the interval, so that sessions do not fall into step.
    private mutating func schedule(at now: Duration) {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let spread = Int(random >> 33) % (configuration.detectMultiplier == 1 ? 151 : 251)
        nextSend = now + max(desiredMinTx, peerMinRx) * (750 + spread) / 1000
    }
}

extension Duration {
    fileprivate var microseconds: UInt32 {
        UInt32(clamping: components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000)
    }
}
