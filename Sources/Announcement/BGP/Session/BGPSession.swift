package import NetworkTypes

/// A session with one peer: the state machine of RFC 4271, section 8, without sockets, clocks or threads. It takes events
/// with the time and answers what to do; between events the caller waits until ``nextDeadline``.
///
/// We only dial, as MetalLB's speakers do: nothing listens, a peer that dials us is refused by the kernel, and so there
/// are never two connections to choose from (section 6.8). State Active, in which others listen, is here the wait before
/// the next try. Routes of the peer are read for errors and forgotten: nothing grows with what it sends.
package struct BGPSession: Sendable {
    package enum State: String, Hashable, Sendable, CaseIterable {
        case idle = "Idle"
        case connect = "Connect"
        case active = "Active"
        case openSent = "OpenSent"
        case openConfirm = "OpenConfirm"
        case established = "Established"
    }

    package enum Event: Hashable, Sendable {
        case start
        /// The session ends for good; with nil the connection is closed without a word, so that a peer which knows graceful
        /// restart keeps our routes.
        case stop(BGPNotification?)
        /// The session ends, and another one follows soon: without a word where the peer keeps our routes meanwhile, else with this
        /// one, since the routes go anyway.
        case pause(BGPNotification)
        /// The connection that was asked for stands.
        case connected(BGPNextHops)
        case connectFailed(String)
        /// The peer, or the network, has ended the connection.
        case disconnected(String)
        case received([UInt8])
        /// BFD says that the peer is gone.
        case peerDown
        /// Everything that was sent has been given to the kernel.
        case outputDrained
        /// Time has passed.
        case tick
    }

    package enum Action: Hashable, Sendable {
        /// A connection is wanted; ``Event/connected(_:)`` or ``Event/connectFailed(_:)`` follows.
        case connect
        /// The connection, or the try, ends as soon as what was sent before has been given to the kernel.
        case disconnect
        case send([UInt8])
        case established(BGPNegotiated)
        /// A try or a session has ended, for this reason.
        case ended(BGPSessionEnd)
        /// Routes may wait: ``takeUpdates(atMost:at:)`` is to be asked once output has drained.
        case routesWaiting
    }

    package let configuration: BGPSessionConfiguration
    package internal(set) var state = State.idle
    package internal(set) var counters = BGPSessionCounters()
    /// Set while ``state`` is OpenConfirm or Established.
    package internal(set) var negotiated: BGPNegotiated?

    var nextHops = BGPNextHops()
    var routes = BGPRouteTable()
    var stream = BGPMessageStream()
    var retryDelay: BGPRetryDelay
    /// Families whose End-of-RIB is due once their routes are sent.
    var endOfRIBDue: [BGPAddressFamily] = []
    /// Said in OPENs until the first session after the start of the process stands.
    var isRestarting: Bool

    // Timers: when they run out; nil: not running.
    var connectRetry: Duration?
    var hold: Duration?
    var keepalive: Duration?
    /// RFC 9687: the peer takes nothing from us for so long that it must be gone.
    var sendHold: Duration?
    /// The session has stood for so long that earlier failures are forgotten.
    var healthy: Duration?

    /// Section 8.2.2: the hold time until the peer's OPEN has come.
    static let openHoldTime = Duration.seconds(240)
    /// How long a try to connect may take, unless the configuration says.
    static let connectTimeout = Duration.seconds(10)
    static let healthyTime = Duration.seconds(60)

    /// `seed` feeds the jitter. `isRestarting` says that an earlier process may have had this session. The routes must be
    /// complete: an End-of-RIB follows them, upon which the peer forgets all others.
    package init(
        _ configuration: BGPSessionConfiguration, routes: [CIDR: BGPRoute], isRestarting: Bool, seed: UInt64
    ) {
        self.configuration = configuration
        self.isRestarting = isRestarting
        retryDelay = BGPRetryDelay(seed: seed)
        self.routes.want(routes)
    }

    /// When ``Event/tick`` is due.
    package var nextDeadline: Duration? {
        [connectRetry, hold, keepalive, sendHold, healthy].compactMap(\.self).min()
    }

    /// The peer is to have exactly these routes.
    package mutating func want(_ wanted: [CIDR: BGPRoute]) -> [Action] {
        routes.want(wanted)
        return state == .established && routes.pendingCount > 0 ? [.routesWaiting] : []
    }

    /// How many prefixes the peer has from us.
    package var announcedCount: Int { routes.sent.count }
    /// How many prefixes wait to be announced or withdrawn.
    package var pendingCount: Int { state == .established ? routes.pendingCount : 0 }
    /// Whether the peer has this prefix from us.
    package func hasAnnounced(_ prefix: CIDR) -> Bool { routes.sent[prefix] != nil }
    /// Whether routes of the family reach the peer; false also while no session stands.
    package func carries(_ family: IPFamily) -> Bool { style?.carries(family) ?? false }

    package mutating func handle(_ event: Event, at now: Duration) -> [Action] {
        switch event {
        case .start:
            return state == .idle && connectRetry == nil ? dial(at: now) : []
        case .stop(let notification):
            return stop(notification, at: now)
        case .pause(let notification):
            return stop(keepsRoutes ? nil : notification, at: now)
        case .connected(let nextHops):
            guard state == .connect else { return [.disconnect] }
            self.nextHops = nextHops
            stream = BGPMessageStream()
            connectRetry = nil
            hold = now + Self.openHoldTime
            state = .openSent
            return [send(.open(configuration.open(isRestarting: isRestarting)), at: now)]
        case .connectFailed(let reason):
            return state == .connect ? end(.unreachable(reason), at: now) : []
        case .disconnected(let reason):
            guard state.hasConnection else { return [] }
            return end(.disconnected(reason, in: state), at: now)
        case .received(let bytes):
            return state.hasConnection ? receive(bytes, at: now) : []
        case .peerDown:
            // A connection that stands may be of no use, and its bytes may never arrive: RFC 5882, section 4.2, with RFC
            // 9384's words.
            return state == .established ? refuse(.bfdDown, at: now) : []
        case .outputDrained:
            sendHold = nil
            return []
        case .tick:
            return tick(at: now)
        }
    }

    /// UPDATEs that lead from what the peer has to what it is to have, as bytes; empty when it has all. At least one
    /// message where any waits, else no more than `limit` bytes. To be asked for only when all earlier output has drained.
    package mutating func takeUpdates(atMost limit: Int, at now: Duration) -> [UInt8] {
        guard state == .established, let style else { return [] }
        var bytes: [UInt8] = []
        while bytes.count + BGPMessage.maximumSize <= max(limit, BGPMessage.maximumSize) {
            guard let update = nextUpdate(style) else { break }
            guard let message = encode(.update(update), at: now) else { continue }
            bytes += message
        }
        return bytes
    }

    private mutating func nextUpdate(_ style: BGPRouteTable.Style) -> BGPUpdate? {
        if let update = routes.nextUpdate(style) { return update }
        return endOfRIBDue.popLast().map(BGPUpdate.endOfRIB)
    }

    private var style: BGPRouteTable.Style? {
        guard state == .established, let negotiated else { return nil }
        return .init(localASN: configuration.localASN, negotiated: negotiated, nextHops: nextHops)
    }
}

extension BGPSession.State {
    /// Whether a connection stands.
    package var hasConnection: Bool {
        switch self {
        case .idle, .connect, .active: false
        case .openSent, .openConfirm, .established: true
        }
    }
}
