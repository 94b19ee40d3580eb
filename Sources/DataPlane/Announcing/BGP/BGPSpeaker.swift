internal import Announcement
package import NetworkTypes
internal import Synchronization
package import Transport

/// This node's sessions with all its peers, on one event loop of its own.
///
/// `@unchecked Sendable`: the properties below "Loop state" are touched on the loop's thread alone; what others read is
/// behind `published`.
package final class BGPSpeaker: @unchecked Sendable {
    /// What the observer learns, on the loop's thread.
    package enum Notice: Hashable, Sendable {
        /// A kind of trouble that has not been told since the last session stood.
        case trouble(peer: String, String)
        /// A session stands; `isNews` after troubles that were told.
        case established(peer: String, isNews: Bool)
        /// A peer has, or lacks, routes that it did not before.
        case changed
    }

    /// How the speaker ends.
    package enum Ending: Hashable, Sendable {
        /// Peers that know graceful restart keep our routes for their restart time: another process follows. The others are told.
        case keepingRoutes(String)
        /// The peers are told, and forget our routes at once.
        case withdrawing(String)
    }

    private struct Entry {
        var plan: BGPPeerPlan
        var connection: BGPPeerConnection
        var troubles = BGPTroubleLog()
        var trouble: String?
        var hasBFD = false
    }

    private let loop: EventLoop
    private let observe: @Sendable (Notice) -> Void
    private let published = Mutex<[String: BGPPeerReport]>([:])

    // Loop state.
    private let bfd: BFDSpeaker
    private var entries: [String: Entry] = [:]
    /// BFD sessions whose BGP session has ended for good, until they end too.
    private var partings: [BFDSpeaker.Peer: LoopTimer] = [:]
    /// For a router to read a Cease.
    private static let partingTime = Duration.seconds(1)
    /// Addresses that are announced: none of them is a next hop.
    private var announced: Set<IPAddress> = []
    private var seed: UInt64
    private var hasStopped = false
    /// Of the sessions of the first plan.
    private var isRestarting: Bool

    /// `isRestarting`: an earlier process may have had these sessions. The loop's thread runs in the network namespace of the
    /// caller.
    package init(
        isRestarting: Bool, seed: UInt64 = MonotonicTime.now.nanoseconds,
        observe: @escaping @Sendable (Notice) -> Void
    ) throws(TransportError) {
        loop = try EventLoop(name: "bgp")
        bfd = BFDSpeaker(loop: loop)
        self.isRestarting = isRestarting
        self.seed = seed
        self.observe = observe
    }

    /// The node is to have exactly these sessions, each with exactly these routes. A peer whose configuration has changed is
    /// dialled anew; one that is gone is told so. Any thread; the last call counts.
    package func apply(_ plans: [BGPPeerPlan]) {
        loop.execute { [self] in reconcile(plans) }
    }

    /// Ends all sessions and the loop; calls `done` on it when that has happened.
    package func stop(_ ending: Ending, done: @escaping @Sendable () -> Void = {}) {
        loop.execute { [self] in
            hasStopped = true
            for name in entries.keys.sorted() {
                switch ending {
                case .keepingRoutes(let words): end(name, .pause(.shutdown(words)))
                case .withdrawing(let words): end(name, .stop(.shutdown(words)))
                }
            }
            publish()
            done()
            loop.stop()
        }
    }

    /// How it stands, by name. Any thread.
    package var reports: [BGPPeerReport] {
        published.withLock { $0.values.sorted { $0.name < $1.name } }
    }

    /// Which of the prefixes each peer has from us, by name; called back on the loop.
    package func announcements(
        of prefixes: Set<CIDR>, _ body: @escaping @Sendable ([String: Set<CIDR>]) -> Void
    ) {
        loop.execute { [self] in
            body(entries.mapValues { entry in prefixes.filter(entry.connection.session.hasAnnounced) })
        }
    }

    // MARK: On the loop

    private func reconcile(_ plans: [BGPPeerPlan]) {
        guard !hasStopped else { return }
        let wanted = Dictionary(plans.map { ($0.name, $0) }) { first, _ in first }
        announced = Set(
            plans.flatMap { $0.routes.keys.filter { $0.prefixLength == $0.family.bitWidth }.map(\.address) })
        for name in entries.keys.sorted() where wanted[name] == nil { end(name, .stop(.peerDeconfigured)) }
        for name in wanted.keys.sorted() {
            guard let plan = wanted[name] else { continue }
            let isChanged = entries[name] != nil
            if let entry = entries[name] {
                if entry.plan.session == plan.session, entry.plan.endpoint == plan.endpoint {
                    update(name, to: plan)
                    continue
                }
                // A peer that knows graceful restart keeps the routes until the new session has them.
                end(name, .pause(.otherConfigurationChange))
            }
            begin(plan, isRestarting: isRestarting, isChanged: isChanged)
        }
        isRestarting = false
        publish()
    }

    private func begin(_ plan: BGPPeerPlan, isRestarting: Bool, isChanged: Bool) {
        let name = plan.name
        seed &+= 1
        let session = BGPSession(plan.session, routes: plan.routes, isRestarting: isRestarting, seed: seed)
        let connection = BGPPeerConnection(
            session, endpoint: plan.endpoint, loop: loop,
            nextHops: { [weak self] local in
                let hops = LinkAddresses.current.nextHops(for: local) { self?.announced.contains($0) ?? false }
                // A link-local next hop is for peers on the link.
                let isNear = plan.endpoint.protection.isSingleHop
                return BGPNextHops(v4: hops.v4, v6: hops.v6, linkLocal: isNear ? hops.linkLocal : nil)
            },
            observe: { [weak self] notice in self?.note(notice, of: name) })
        entries[name] = Entry(plan: plan, connection: connection)
        connection.handle(.start)
        beginBFD(name, isResuming: (isRestarting || isChanged) && plan.session.gracefulRestart != nil)
    }

    private func update(_ name: String, to plan: BGPPeerPlan) {
        guard let old = entries[name]?.plan, old != plan else { return }
        if old.bfd != plan.bfd { endBFD(name) }
        entries[name]?.plan = plan
        if old.bfd != plan.bfd { beginBFD(name) }
        if old.routes != plan.routes { entries[name]?.connection.want(plan.routes) }
    }

    private func end(_ name: String, _ event: BGPSession.Event) {
        if case .pause = event { endBFD(name, until: entries[name]?.connection.session.absence) }
        guard let entry = entries.removeValue(forKey: name) else { return }
        entry.connection.handle(event)
        guard entry.hasBFD, let peer = entry.plan.bfd?.peer else { return }
        // Some routers take the end of BFD, an administrative one too, for the loss of the path, and keep the routes for our
        // restart: they are to read first that there is none.
        partings[peer] = loop.schedule(after: Self.partingTime) { [weak self] in
            self?.partings[peer] = nil
            self?.bfd.remove(peer)
        }
    }

    private func beginBFD(_ name: String, isResuming: Bool = false) {
        guard let plan = entries[name]?.plan, let wanted = plan.bfd else { return }
        if let parting = partings.removeValue(forKey: wanted.peer) {
            parting.cancel()
            bfd.remove(wanted.peer)
        }
        do throws(TransportError) {
            try bfd.add(wanted.peer, wanted.configuration, isResuming: isResuming) { [weak self] notice in
                guard let self else { return }
                if case .down = notice { entries[name]?.connection.handle(.peerDown) }
                publish()
            }
            entries[name]?.hasBFD = true
        } catch {
            guard entries[name]?.troubles.tellsBFD() == true else { return }
            observe(.trouble(peer: name, "BFD does not run: \(error.message)"))
        }
    }

    private func endBFD(_ name: String, until absence: Duration? = nil) {
        guard let entry = entries[name], entry.hasBFD, let wanted = entry.plan.bfd else { return }
        bfd.remove(wanted.peer, until: absence)
        entries[name]?.hasBFD = false
    }

    private func note(_ notice: BGPPeerConnection.Notice, of name: String) {
        switch notice {
        case .established:
            let isNews = entries[name]?.troubles.recovers() ?? false
            entries[name]?.trouble = nil
            observe(.established(peer: name, isNews: isNews))
        case .ended(let end):
            guard entries[name] != nil else { break }
            entries[name]?.trouble = end == .stopped ? nil : "\(end)"
            if entries[name]?.troubles.tells(end) == true { observe(.trouble(peer: name, "\(end)")) }
            observe(.changed)
        case .progressed:
            let before = published.withLock { $0[name]?.announcedCount }
            if before != entries[name]?.connection.session.announcedCount { observe(.changed) }
        }
        publish(name)
    }

    private func publish(_ name: String) {
        let report = entries[name].map(report)
        published.withLock { $0[name] = report }
    }

    private func publish() {
        let reports = entries.mapValues(report)
        published.withLock { $0 = reports }
    }

    private func report(_ entry: Entry) -> BGPPeerReport {
        let session = entry.connection.session
        return BGPPeerReport(
            name: entry.plan.name, address: entry.plan.endpoint.address, state: session.state,
            negotiated: session.negotiated, announcedCount: session.announcedCount,
            pendingCount: session.pendingCount, counters: session.counters, trouble: entry.trouble,
            bfd: entry.hasBFD ? entry.plan.bfd.flatMap { bfd.counters($0.peer) } ?? .init() : nil)
    }
}
