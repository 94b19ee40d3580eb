import Announcement
import NetworkTypes
import Testing

/// A session with a clock in hand and a peer that is written by the test.
struct SessionBench {
    var session: BGPSession
    var now = Duration.seconds(1000)
    /// What the session has said to the peer, as the peer reads it.
    private(set) var said: [BGPReceivedMessage] = []
    private(set) var ends: [BGPSessionEnd] = []
    private(set) var connects = 0
    private(set) var disconnects = 0
    /// How the peer writes and reads.
    var conventions = BGPReceivedUpdate.Conventions(fourOctetASN: true, isInternal: false)

    static let route = BGPRoute(communities: [BGPCommunity(rawValue: 7)])
    static let hops = BGPNextHops(v4: IPAddress("10.0.0.2"), v6: IPAddress("fd00::2"), linkLocal: IPAddress("fe80::2"))

    static var configuration: BGPSessionConfiguration {
        BGPSessionConfiguration(localASN: 64512, peerASN: .number(64500), identifier: 1)
    }

    init(
        _ configuration: BGPSessionConfiguration = Self.configuration, routes: [CIDR: BGPRoute] = [:],
        isRestarting: Bool = false
    ) {
        session = BGPSession(configuration, routes: routes, isRestarting: isRestarting, seed: 9)
    }

    @discardableResult
    mutating func feed(_ event: BGPSession.Event) -> [BGPSession.Action] {
        let actions = session.handle(event, at: now)
        note(actions)
        return actions
    }

    mutating func want(_ routes: [CIDR: BGPRoute]) { note(session.want(routes)) }

    private mutating func note(_ actions: [BGPSession.Action]) {
        for action in actions {
            switch action {
            case .send(let bytes): hear(bytes)
            case .connect: connects += 1
            case .disconnect: disconnects += 1
            case .ended(let end): ends.append(end)
            case .established, .routesWaiting: break
            }
        }
    }

    private mutating func hear(_ bytes: [UInt8]) {
        var stream = BGPMessageStream()
        stream.append(bytes)
        do {
            while let message = try stream.next(conventions) { said.append(message) }
        } catch {
            Issue.record("the session said what cannot be read: \(error)")
        }
    }

    mutating func tell(_ message: BGPMessage) {
        feed(.received(message.encoded(fourOctetASN: conventions.fourOctetASN) ?? []))
    }

    /// The updates that wait, all of them.
    mutating func drain() -> [BGPUpdate] {
        let before = said.count
        while true {
            feed(.outputDrained)
            let bytes = session.takeUpdates(atMost: 1, at: now)
            guard !bytes.isEmpty else { break }
            hear(bytes)
        }
        return said[before...].compactMap { if case .update(let update) = $0 { update.update } else { nil } }
    }

    static func peerOpen(
        asn: UInt32 = 64500, holdTime: UInt16 = 90, identifier: UInt32 = 99, _ capabilities: [BGPCapability] = []
    ) -> BGPOpen {
        BGPOpen(
            asn: asn, holdTime: holdTime, identifier: identifier,
            capabilities: [.multiprotocol(.ipv4Unicast), .multiprotocol(.ipv6Unicast)] + capabilities)
    }

    static let restarter = BGPCapability.gracefulRestart(
        BGPGracefulRestart(isRestarting: false, restartTime: 120, families: []))

    mutating func connect() {
        feed(.start)
        feed(.connected(Self.hops))
    }

    mutating func establish(_ open: BGPOpen = peerOpen()) {
        connect()
        tell(.open(open))
        tell(.keepalive)
    }

    /// Lets time pass up to the next timer and beyond it, in one step.
    mutating func waitForTimer() {
        guard let deadline = session.nextDeadline else {
            Issue.record("no timer runs")
            return
        }
        now = deadline
        feed(.tick)
    }
}

@Suite("The state machine of a BGP session")
struct BGPSessionTests {
    private static let route = SessionBench.route

    private func prefix(_ text: String) throws -> CIDR { try #require(CIDR(text)) }

    @Test func `a session is dialled, opened, confirmed and established`() {
        var bench = SessionBench()
        #expect(bench.feed(.start) == [.connect])
        #expect(bench.session.state == .connect)
        bench.feed(.connected(SessionBench.hops))
        #expect(bench.session.state == .openSent)
        #expect(bench.said.map(\.type) == [.open])
        bench.tell(.open(SessionBench.peerOpen()))
        #expect(bench.session.state == .openConfirm)
        #expect(bench.said.map(\.type) == [.open, .keepalive])
        bench.tell(.keepalive)
        #expect(bench.session.state == .established)
        #expect(bench.session.negotiated?.families == [.v4, .v6])
        #expect(bench.ends.isEmpty)
    }

    /// What each message means in each state (RFC 4271, section 8.2.2).
    @Test(arguments: BGPSession.State.allCases, BGPMessageType.allCases)
    func `a message out of place ends the session with the state's own number`(
        _ state: BGPSession.State, _ type: BGPMessageType
    ) {
        var bench = SessionBench()
        switch state {
        case .idle: break
        case .connect: bench.feed(.start)
        case .active:
            bench.feed(.start)
            bench.feed(.connectFailed("refused"))
        case .openSent: bench.connect()
        case .openConfirm:
            bench.connect()
            bench.tell(.open(SessionBench.peerOpen()))
        case .established: bench.establish()
        }
        #expect(bench.session.state == state)
        let message: BGPMessage =
            switch type {
            case .open: .open(SessionBench.peerOpen())
            case .update: .update(.endOfRIB(.ipv4Unicast))
            case .notification: .notification(.shutdown("bye"))
            case .keepalive: .keepalive
            case .routeRefresh: .routeRefresh(.ipv4Unicast)
            }
        bench.tell(message)
        let expected: BGPSession.State =
            switch (state, type) {
            case (.idle, _), (.connect, _), (.active, _): state
            case (_, .notification): .active
            case (.openSent, .open): .openConfirm
            case (.openConfirm, .keepalive): .established
            case (.established, .update), (.established, .keepalive), (.established, .routeRefresh): .established
            default: .active
            }
        #expect(bench.session.state == expected)
        if state.hasConnection, expected == .active, type != .notification {
            let subcode: UInt8 = state == .openSent ? 1 : state == .openConfirm ? 2 : 3
            #expect(bench.said.last == .notification(.unexpected(type.rawValue, subcode: subcode)))
            #expect(bench.disconnects > 0)
        }
        if state.hasConnection, type == .notification {
            // A notification is never answered.
            #expect(bench.said.last?.type != .notification)
        }
    }

    @Test(
        arguments: [
            (SessionBench.peerOpen(asn: 64501), BGPNotification.badPeerAS),
            (SessionBench.peerOpen(identifier: 0), .badIdentifier),
            (SessionBench.peerOpen(holdTime: 2), .unacceptableHoldTime),
        ] as [(BGPOpen, BGPNotification)])
    func `an OPEN that does not suit is refused`(_ open: BGPOpen, _ notification: BGPNotification) {
        var bench = SessionBench()
        bench.connect()
        bench.tell(.open(open))
        #expect(bench.said.last == .notification(notification))
        #expect(bench.ends == [.refused(notification, in: .openSent)])
        #expect(bench.session.state == .active)
    }

    @Test func `a peer of our own AS may not have our identifier`() {
        var configuration = SessionBench.configuration
        configuration.peerASN = .same
        var bench = SessionBench(configuration)
        bench.connect()
        bench.tell(.open(SessionBench.peerOpen(asn: 64512, identifier: 1)))
        #expect(bench.said.last == .notification(.badIdentifier))
    }

    @Test(arguments: [
        (BGPSessionConfiguration.PeerASN.same, 64512 as UInt32, true), (.same, 64500, false), (.other, 64500, true),
        (.other, 64512, false), (.number(70000), 70000, true), (.number(70000), 23456, false),
    ])
    func `the peer's AS number must be the one that is expected`(
        _ expected: BGPSessionConfiguration.PeerASN, _ asn: UInt32, _ isAccepted: Bool
    ) {
        var configuration = SessionBench.configuration
        configuration.peerASN = expected
        var bench = SessionBench(configuration)
        bench.connect()
        bench.tell(.open(SessionBench.peerOpen(asn: asn)))
        #expect(bench.session.state == (isAccepted ? .openConfirm : .active))
    }

    @Test func `a peer without a family of ours is told which we want`() {
        var configuration = SessionBench.configuration
        configuration.families = [.v6]
        var bench = SessionBench(configuration)
        bench.connect()
        bench.tell(.open(BGPOpen(asn: 64500, holdTime: 90, identifier: 9, capabilities: [])))
        #expect(bench.said.last == .notification(BGPNotification(code: 2, subcode: 7, data: [1, 4, 0, 2, 0, 1])))
    }

    @Test func `a silent peer is given up when the hold time has passed, and not before`() {
        var configuration = SessionBench.configuration
        configuration.holdTime = 9
        var bench = SessionBench(configuration)
        bench.establish(SessionBench.peerOpen(holdTime: 30))
        let start = bench.now
        while bench.session.state == .established {
            bench.feed(.outputDrained)
            bench.waitForTimer()
        }
        #expect(bench.now - start == .seconds(9))
        #expect(bench.ends == [.refused(.holdTimerExpired, in: .established)])
        // Meanwhile we were not silent.
        #expect(bench.session.counters.keepalivesSent >= 3)
    }

    @Test func `a peer that speaks is kept for ever, by keepalives within a third of the hold time`() {
        var bench = SessionBench()
        bench.establish(SessionBench.peerOpen(holdTime: 6))
        var last = bench.now
        for _ in 0..<100 {
            bench.waitForTimer()
            bench.feed(.outputDrained)
            bench.tell(.keepalive)
            #expect(bench.now - last <= .seconds(2))
            last = bench.now
        }
        #expect(bench.session.state == .established)
    }

    @Test func `a hold time of 0 means no keepalives and no end`() {
        var bench = SessionBench()
        bench.establish(SessionBench.peerOpen(holdTime: 0))
        bench.feed(.outputDrained)
        bench.waitForTimer()
        #expect(bench.session.nextDeadline == nil)
        #expect(bench.session.counters.keepalivesSent == 1)
    }

    @Test func `a peer that takes nothing from us is given up, without words that it would not read`() {
        var configuration = SessionBench.configuration
        configuration.holdTime = 0
        var bench = SessionBench(configuration)
        bench.establish()
        while bench.session.state == .established { bench.waitForTimer() }
        #expect(bench.ends == [.refused(BGPNotification(code: 8, subcode: 0), in: .established)])
        #expect(bench.said.last?.type != .notification)
    }

    @Test func `a peer that says nothing to our OPEN is given up after four minutes`() {
        var bench = SessionBench()
        bench.connect()
        bench.feed(.outputDrained)
        let start = bench.now
        bench.waitForTimer()
        #expect(bench.now - start == .seconds(240))
        #expect(bench.ends == [.refused(.holdTimerExpired, in: .openSent)])
    }

    @Test func `a try to connect ends in time, and tries become rarer up to half a minute`() {
        var bench = SessionBench()
        bench.feed(.start)
        bench.waitForTimer()
        #expect(bench.ends == [.unreachable("no answer in time")])
        var waits: [Duration] = []
        for _ in 0..<10 {
            let failed = bench.now
            bench.waitForTimer()
            #expect(bench.session.state == .connect)
            waits.append(bench.now - failed)
            bench.feed(.connectFailed("refused"))
        }
        for (index, wait) in waits.enumerated() {
            let base = min(Duration.seconds(1 << index), .seconds(30))
            #expect(wait >= base * 3 / 4 && wait <= base, "wait \(index): \(wait)")
        }
    }

    @Test func `a peer that refuses us is asked ever more rarely, up to two minutes, until a session has stood`() {
        var bench = SessionBench()
        bench.feed(.start)
        var last = Duration.zero
        for _ in 0..<12 {
            bench.feed(.connected(SessionBench.hops))
            bench.tell(.notification(.badPeerAS))
            #expect(bench.session.state == .active)
            let failed = bench.now
            bench.waitForTimer()
            last = bench.now - failed
        }
        #expect(last > .seconds(80) && last <= .seconds(120))
        bench.feed(.connected(SessionBench.hops))
        bench.tell(.open(SessionBench.peerOpen(holdTime: 0)))
        bench.tell(.keepalive)
        bench.feed(.outputDrained)
        bench.waitForTimer()
        bench.feed(.disconnected("closed"))
        let failed = bench.now
        bench.waitForTimer()
        #expect(bench.now - failed <= .seconds(1))
    }

    @Test func `the configured time between tries is kept`() {
        var configuration = SessionBench.configuration
        configuration.connectTime = 40
        var bench = SessionBench(configuration)
        bench.feed(.start)
        bench.feed(.connectFailed("refused"))
        let failed = bench.now
        bench.waitForTimer()
        #expect(bench.now - failed >= .seconds(30) && bench.now - failed <= .seconds(40))
    }

    @Test func `BFD's word ends a session at once`() {
        var bench = SessionBench()
        bench.establish()
        bench.feed(.peerDown)
        #expect(bench.ends == [.refused(.bfdDown, in: .established)])
        #expect(bench.session.state == .active)
    }

    @Test func `a session is stopped with a word or without, and stays stopped`() {
        for notification in [BGPNotification.peerDeconfigured, nil] {
            var bench = SessionBench()
            bench.establish()
            let before = bench.said.count
            bench.feed(.stop(notification))
            #expect(bench.said.count == before + (notification == nil ? 0 : 1))
            #expect(bench.disconnects == 1)
            #expect(bench.session.state == .idle)
            #expect(bench.session.nextDeadline == nil)
            bench.feed(.connected(SessionBench.hops))
            #expect(bench.session.state == .idle)
        }
    }

    @Test func `a pause is silent where the peer keeps our routes, and a word to those who would not`() {
        let words = BGPNotification.shutdown("a restart")
        for keeps in [true, false] {
            var configuration = SessionBench.configuration
            configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: keeps)
            var bench = SessionBench(configuration)
            bench.establish(SessionBench.peerOpen([SessionBench.restarter]))
            let before = bench.said.count
            bench.feed(.pause(words))
            #expect(bench.said.count == before + (keeps ? 0 : 1))
            #expect(bench.disconnects == 1 && bench.session.state == .idle)
        }
        // A peer that does not name the capability drops the routes with the connection.
        var configuration = SessionBench.configuration
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        var bench = SessionBench(configuration)
        bench.establish()
        let before = bench.said.count
        bench.feed(.pause(words))
        #expect(bench.said.count == before + 1)
    }

    @Test func `routes are sent once, then each change alone, and everything again in the next session`() throws {
        let (a, b) = (try prefix("203.0.113.1/32"), try prefix("203.0.113.2/32"))
        var bench = SessionBench(routes: [a: Self.route, b: Self.route])
        bench.establish()
        let first = bench.drain()
        #expect(first.count == 1)
        #expect(first.first?.announced == [a, b])
        #expect(first.first?.attributes.nextHop == SessionBench.hops.v4)
        #expect(first.first?.attributes.asPath == [.sequence([64512])])
        #expect(first.first?.attributes.localPreference == nil)

        bench.want([a: Self.route, b: Self.route])
        #expect(bench.drain().isEmpty)
        bench.want([a: Self.route])
        let second = bench.drain()
        #expect(second.map(\.withdrawn) == [[b]])
        #expect(second.allSatisfy { $0.announced.isEmpty })
        #expect(bench.session.announcedCount == 1)

        bench.feed(.disconnected("closed"))
        bench.waitForTimer()
        bench.feed(.connected(SessionBench.hops))
        bench.tell(.open(SessionBench.peerOpen()))
        bench.tell(.keepalive)
        #expect(bench.drain().map(\.announced) == [[a]])
    }

    @Test func `a peer hears of the last state alone, not of each on the way`() throws {
        let a = try prefix("203.0.113.1/32")
        var bench = SessionBench()
        bench.establish()
        bench.want([a: Self.route])
        bench.want([:])
        #expect(bench.drain().isEmpty)
        bench.want([a: Self.route])
        bench.want([a: BGPRoute()])
        #expect(bench.drain().count == 1)
    }

    @Test func `a changed route replaces the old one without a withdrawal`() throws {
        let a = try prefix("203.0.113.1/32")
        var bench = SessionBench(routes: [a: Self.route])
        bench.establish()
        _ = bench.drain()
        bench.want([a: BGPRoute(communities: [BGPCommunity(rawValue: 8)])])
        let updates = bench.drain()
        #expect(updates.map(\.withdrawn) == [[]])
        #expect(updates.map(\.attributes.communities) == [[BGPCommunity(rawValue: 8)]])
    }

    @Test func `ten thousand prefixes with the same attributes fill as few messages as they need`() throws {
        var routes: [CIDR: BGPRoute] = [:]
        for number in 0..<10_000 as Range<UInt32> {
            routes[try #require(CIDR(address: IPAddress(v4: 0x0a00_0000 + number), prefixLength: 32))] = Self.route
        }
        var bench = SessionBench(routes: routes)
        bench.establish()
        let updates = bench.drain()
        #expect(updates.count == 13)
        #expect(Set(updates.flatMap(\.announced)) == Set(routes.keys))
        #expect(bench.session.announcedCount == 10_000)
        bench.want([:])
        #expect(bench.drain().count == 13)
    }

    @Test func `IPv6 routes travel in the same session with both addresses of the next hop`() throws {
        let a = try prefix("fdee::1/128")
        var bench = SessionBench(routes: [a: Self.route])
        bench.establish()
        let reachable = try #require(bench.drain().first?.attributes.reachable)
        #expect(reachable.prefixes == [a])
        #expect(reachable.nextHop.count == 32)
        bench.want([:])
        #expect(bench.drain().map(\.attributes.unreachable?.prefixes) == [[a]])
    }

    @Test func `IPv4 routes go over an IPv6 address to peers that can do that, and to no others`() throws {
        let a = try prefix("203.0.113.1/32")
        for capabilities in [[BGPCapability.extendedNextHop([.ipv4OverIPv6])], []] {
            var bench = SessionBench(routes: [a: Self.route])
            bench.feed(.start)
            bench.feed(.connected(BGPNextHops(v6: IPAddress("fd00::2"))))
            bench.tell(.open(SessionBench.peerOpen(capabilities)))
            bench.tell(.keepalive)
            let updates = bench.drain()
            #expect(updates.map(\.attributes.reachable?.prefixes) == (capabilities.isEmpty ? [] : [[a]]))
            #expect(bench.session.carries(.v4) == !capabilities.isEmpty)
        }
    }

    @Test func `a peer of our own AS gets a local preference and an empty path`() throws {
        let (a, b) = (try prefix("203.0.113.1/32"), try prefix("203.0.113.2/32"))
        var configuration = SessionBench.configuration
        configuration.peerASN = .same
        var bench = SessionBench(configuration, routes: [a: BGPRoute(localPreference: 200), b: BGPRoute()])
        bench.conventions.isInternal = true
        bench.establish(SessionBench.peerOpen(asn: 64512))
        let updates = bench.drain()
        #expect(Set(updates.map(\.attributes.localPreference)) == [200, 100])
        #expect(updates.allSatisfy { $0.attributes.asPath == [] })
    }

    @Test func `End-of-RIB follows the routes for peers that know graceful restart, and only them`() throws {
        let a = try prefix("203.0.113.1/32")
        var bench = SessionBench(routes: [a: Self.route])
        bench.establish(SessionBench.peerOpen([SessionBench.restarter]))
        let updates = bench.drain()
        #expect(updates.count == 3)
        #expect(updates.first?.announced == [a])
        #expect(updates.dropFirst().map { $0 } == [.endOfRIB(.ipv4Unicast), .endOfRIB(.ipv6Unicast)])

        var plain = SessionBench(routes: [a: Self.route])
        plain.establish()
        #expect(plain.drain().count == 1)
    }

    @Test func `the first OPEN after a start says that we have restarted, later ones do not`() {
        var configuration = SessionBench.configuration
        configuration.gracefulRestart = .init(restartTime: 120, isForwardingPreserved: true)
        var bench = SessionBench(configuration, isRestarting: true)
        func restart() -> BGPGracefulRestart? {
            for case .open(let open) in bench.said.reversed() { return open.gracefulRestart }
            return nil
        }
        bench.connect()
        #expect(restart()?.isRestarting == true)
        #expect(restart()?.families.allSatisfy(\.isForwardingPreserved) == true)
        bench.tell(.open(SessionBench.peerOpen([SessionBench.restarter])))
        bench.tell(.keepalive)
        bench.feed(.disconnected("closed"))
        bench.waitForTimer()
        bench.feed(.connected(SessionBench.hops))
        #expect(restart()?.isRestarting == false)
        #expect(restart()?.families.count == 2)
    }

    @Test func `a peer that asks gets the routes of that family again`() throws {
        let (a, b) = (try prefix("203.0.113.1/32"), try prefix("fdee::1/128"))
        var bench = SessionBench(routes: [a: Self.route, b: Self.route])
        bench.establish()
        _ = bench.drain()
        bench.tell(.routeRefresh(.ipv4Unicast))
        let updates = bench.drain()
        #expect(updates.map(\.announced) == [[a]])
        // What is withdrawn behind a refresh is withdrawn.
        bench.tell(.routeRefresh(.ipv4Unicast))
        bench.want([b: Self.route])
        #expect(bench.drain().map(\.withdrawn) == [[a]])
    }

    @Test func `whatever a peer sends, the session keeps nothing of it`() throws {
        var bench = SessionBench()
        bench.establish()
        for number in 0..<2_000 as Range<UInt32> {
            var update = BGPUpdate()
            update.attributes.origin = .igp
            update.attributes.asPath = [.sequence([64500])]
            update.attributes.nextHop = IPAddress("10.0.0.1")
            update.announced = [try #require(CIDR(address: IPAddress(v4: number << 8), prefixLength: 24))]
            bench.tell(.update(update))
        }
        #expect(bench.session.state == .established)
        #expect(bench.session.counters.updatesReceived == 2_000)
        #expect(bench.session.announcedCount == 0)
    }

    @Test func `an UPDATE with an error that costs routes alone is counted, and the session stands`() {
        var bench = SessionBench()
        bench.establish()
        var update = BGPUpdate()
        update.attributes.origin = .igp
        update.announced = [CIDR("192.0.2.0/24")].compactMap(\.self)
        bench.tell(.update(update))
        #expect(bench.session.state == .established)
        #expect(bench.session.counters.faultyUpdatesReceived == 1)
    }
}
