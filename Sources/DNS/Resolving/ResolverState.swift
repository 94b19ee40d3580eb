package import NetworkTypes

/// Which upstream server is asked what, when, and who waits for it: events go in, actions come out. Pure; times are
/// milliseconds of a monotonic clock.
///
/// Equal questions share one flight. A flight asks one server, and a further one as well when that takes longer than it
/// usually does; the first good answer counts. A server that failed several times in a row is asked last, and probed until
/// it is back, at longer and longer intervals.
package struct ResolverState<Waiter: Sendable>: Sendable {
    package struct Limits: Hashable, Sendable {
        /// Questions under way.
        package var flights = 1024
        /// Askers that wait for one question.
        package var waiters = 512
        /// Askers that wait for all of them, whose queries are kept meanwhile.
        package var allWaiters = 8192
        /// Attempts at one question.
        package var attempts = 6
        /// When a question is given up, in milliseconds.
        package var patience: UInt64 = 4500
        /// When an answer that is out of date is given instead of waiting on (RFC 8767, 5), in milliseconds.
        package var stalePatience: UInt64 = 1800
        /// How long a failure is remembered (RFC 9520), in milliseconds.
        package var failureMemory: UInt64 = 5000

        package init() {}
    }

    /// Names one message that was sent to a server.
    package typealias Attempt = UInt64

    package enum Action: Sendable {
        /// Send a message from a fresh port, and hand what comes from that server to ``received(_:_:now:using:)``.
        case send(Attempt, to: SocketAddress, by: UpstreamTransport, bytes: [UInt8])
        /// What still comes is of no use.
        case forget(Attempt)
        /// Keep this, then answer.
        case settle(Lookup, UpstreamAnswer, [Waiter])
        /// A server did not answer as it should.
        case tell(UpstreamTrouble)
        /// Answer with what is at hand, else with SERVFAIL.
        case fail(Lookup, [Waiter])
    }

    private struct Waiting: Sendable {
        var waiter: Waiter
        var hasStale: Bool
    }

    private struct Flight: Sendable {
        var waiters: [Waiting]
        var servers: [Int]
        var zone: ForwardedZone
        var begun: UInt64
        var asked = 0
        var open: Set<Attempt> = []
        /// When a further server is asked.
        var nextTry: UInt64
        var hasServedStale = false
    }

    private struct Sent: Sendable {
        /// Nil for a probe.
        var lookup: Lookup?
        var server: SocketAddress
        var id: UInt16
        var at: UInt64
        var transport: UpstreamTransport
        var hasExtension: Bool
        var countedAsFailure = false
    }

    package private(set) var zones: [ForwardedZone] = []
    package var limits = Limits()
    package private(set) var counters = ResolverCounters()
    private var flights: [Lookup: Flight] = [:]
    private var sent: [Attempt: Sent] = [:]
    private var health: [SocketAddress: UpstreamHealth] = [:]
    private var failures: [Lookup: UInt64] = [:]
    private var lastAttempt: Attempt = 0
    /// Questions to zones whose servers take turns.
    private var rotation: UInt64 = 0
    /// Askers of all flights.
    package private(set) var waiterCount = 0
    /// When ``advance(now:using:)`` is to be called next; nil while there is nothing to wait for. It may be too early, where
    /// what was waited for has come, and never too late.
    package private(set) var nextDue: UInt64?

    package init() {}

    /// Questions under way.
    package var flightCount: Int { flights.count }
    /// Messages whose answers are waited for.
    package var attemptCount: Int { sent.count }

    /// Other servers from now on; what is under way ends with those that it began with.
    package mutating func setZones(_ zones: [ForwardedZone]) {
        self.zones = zones
        let servers = Set(zones.flatMap(\.servers))
        health = health.filter { servers.contains($0.key) }
        counters.servers = counters.servers.filter { servers.contains($0.key) }
        failures = [:]
        for server in servers where health[server] == nil {
            health[server] = UpstreamHealth()
            counters.servers[server] = .init()
        }
        nextDue = soonest
    }

    /// Whether some server of every zone seems to be up; true without any.
    package var isHealthy: Bool {
        zones.allSatisfy { zone in zone.isClosed || zone.servers.contains { !isDown($0, zone) } }
    }

    private func isDown(_ server: SocketAddress, _ zone: ForwardedZone) -> Bool {
        health[server]?.isDown(after: zone.maximumFailures) ?? false
    }

    // MARK: Events

    /// Somebody wants to know, or nobody: a nil waiter refreshes what is kept.
    package mutating func ask(
        _ lookup: Lookup, waiter: Waiter?, hasStale: Bool, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        let waiting = waiter.map { [Waiting(waiter: $0, hasStale: hasStale)] } ?? []
        if var flight = flights[lookup] {
            guard let waiter else { return [] }
            guard flight.waiters.count < limits.waiters, waiterCount < limits.allWaiters else {
                counters.overflows += 1
                return [.fail(lookup, [waiter])]
            }
            if hasStale, flight.hasServedStale { return [.fail(lookup, [waiter])] }
            flight.waiters += waiting
            waiterCount += 1
            flights[lookup] = flight
            return []
        }
        let refused: [Action] = [.fail(lookup, waiting.map(\.waiter))]
        if let until = failures[lookup] {
            if now < until { return refused }
            failures[lookup] = nil
        }
        let name = WireName(lookup.name)
        guard let index = zones.index(for: name), zones[index].asks(about: name) else {
            return refused
        }
        guard flights.count < limits.flights, waiting.isEmpty || waiterCount < limits.allWaiters else {
            counters.overflows += 1
            return refused
        }
        let zone = zones[index]
        var flight = Flight(
            waiters: waiting, servers: order(zone, using: &random), zone: zone, begun: now, nextTry: now)
        var actions: [Action] = []
        if zone.servers.allSatisfy({ isDown($0, zone) }) {
            counters.allDown += 1
            // An answer out of date now rather than after a wait that most likely ends with it.
            let stale = flight.waiters.filter(\.hasStale).map(\.waiter)
            if !stale.isEmpty {
                flight.waiters.removeAll(where: \.hasStale)
                actions.append(.fail(lookup, stale))
            }
            flight.hasServedStale = true
        }
        waiterCount += flight.waiters.count
        flights[lookup] = flight
        wake(by: min(now + limits.stalePatience, now + limits.patience))
        return actions + tryNext(lookup, now: now, using: &random)
    }

    /// A message came from the server that the attempt is to.
    ///
    /// - Parameter isWhole: it did not travel in pieces. Of those that did only the first has id and port that an outsider has
    ///   to guess: the server is asked for the rest of it by TCP.
    package mutating func received(
        _ attempt: Attempt, _ message: Span<UInt8>, isWhole: Bool = true, now: UInt64,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard let sending = sent[attempt] else { return [] }
        guard let lookup = sending.lookup else { return probeAnswered(attempt, sending, message, now: now) }
        // Longer than was asked for: no honest server, or an answer that travelled in pieces.
        var verdict =
            !sending.transport.isStream && message.count > 1232
            ? .foreign : UpstreamReply.judge(message, for: lookup, id: sending.id)
        if !isWhole, verdict != .foreign { verdict = .truncated }
        switch verdict {
        case .foreign:
            counters.foreign += 1
            // Over TCP nobody else can have sent it.
            guard sending.transport.isStream else { return [] }
            return failed(attempt, because: "its answer is to something else", now: now, using: &random)
        case .malformed: return failed(attempt, because: "its answer is malformed", now: now, using: &random)
        case .truncated:
            noteSuccess(sending, .noError, now: now)
            guard !sending.transport.isStream else {
                return failed(attempt, because: "its answer is cut short", now: now, using: &random)
            }
            return end(attempt, lookup)
                + send(lookup, to: sending.server, by: .stream, now: now, using: &random)
        case .withoutExtension:
            noteSuccess(sending, .formatError, now: now)
            guard sending.hasExtension else { return failed(attempt, now: now, using: &random) }
            return end(attempt, lookup)
                + send(
                    lookup, to: sending.server, by: sending.transport, hasExtension: false, now: now,
                    using: &random)
        case .refused(let code):
            noteSuccess(sending, code, now: now)
            let actions = end(attempt, lookup)
            guard flights[lookup]?.open.isEmpty == true else { return actions }
            return actions + tryNext(lookup, now: now, using: &random)
        case .answer(let answer):
            noteSuccess(sending, answer.code, now: now)
            var actions = end(attempt, lookup)
            guard let flight = takeFlight(lookup) else { return actions }
            failures[lookup] = nil
            for other in flight.open.sorted() {
                sent[other] = nil
                actions.append(.forget(other))
            }
            actions.append(.settle(lookup, answer, flight.waiters.map(\.waiter)))
            rest()
            return actions
        }
    }

    /// The message could not be sent, the connection failed or ended, or the server's machine refuses it.
    ///
    /// - Parameter cause: to be told; nil where there is nothing to say.
    package mutating func failed(
        _ attempt: Attempt, because cause: String? = nil, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard let sending = sent[attempt] else { return [] }
        noteFailure(attempt, now: now)
        let trouble = cause.map {
            Action.tell(UpstreamTrouble(server: sending.server, transport: sending.transport, cause: $0))
        }
        guard let lookup = sending.lookup else {
            return (trouble.map { [$0] } ?? []) + endProbe(attempt, sending.server)
        }
        let actions = (trouble.map { [$0] } ?? []) + end(attempt, lookup)
        guard flights[lookup]?.open.isEmpty == true else { return actions }
        return actions + tryNext(lookup, now: now, using: &random)
    }

    /// This machine had no room to send a message, which says nothing about the server. Another server could not be asked
    /// either: who waits is answered with what is at hand, and nothing is remembered.
    package mutating func notSent(_ attempt: Attempt) -> [Action] {
        guard let sending = sent[attempt] else { return [] }
        counters.overflows += 1
        guard let lookup = sending.lookup else { return endProbe(attempt, sending.server) }
        let actions = end(attempt, lookup)
        guard flights[lookup]?.open.isEmpty == true, let flight = takeFlight(lookup) else { return actions }
        rest()
        return actions + [.fail(lookup, flight.waiters.map(\.waiter))]
    }

    private mutating func endProbe(_ attempt: Attempt, _ server: SocketAddress) -> [Action] {
        sent[attempt] = nil
        health[server]?.isProbing = false
        nextDue = soonest
        return [.forget(attempt)]
    }

    // MARK: Time

    private mutating func wake(by due: UInt64) { nextDue = min(nextDue ?? due, due) }

    /// Forgets the time of what has come, where looking costs nothing.
    private mutating func rest() { if flights.isEmpty { nextDue = soonest } }

    /// The earliest moment at which ``advance(now:using:)`` does anything.
    private var soonest: UInt64? {
        var due = UInt64.max
        for flight in flights.values {
            due = min(due, flight.begun + limits.patience)
            if !flight.hasServedStale { due = min(due, flight.begun + limits.stalePatience) }
            if flight.asked < limits.attempts { due = min(due, flight.nextTry) }
        }
        for sending in sent.values where sending.lookup == nil { due = min(due, sending.at + limits.stalePatience) }
        for zone in zones {
            for server in zone.servers where isDown(server, zone) {
                if let known = health[server], !known.isProbing { due = min(due, known.nextProbe) }
            }
        }
        return due == .max ? nil : due
    }

    /// Time has passed.
    package mutating func advance(now: UInt64, using random: inout some RandomNumberGenerator) -> [Action] {
        var actions: [Action] = []
        for (lookup, flight) in flights {
            if now >= flight.begun + limits.patience {
                actions += giveUp(lookup, now: now)
                continue
            }
            if !flight.hasServedStale, now >= flight.begun + limits.stalePatience {
                let stale = flight.waiters.filter(\.hasStale).map(\.waiter)
                flights[lookup]?.hasServedStale = true
                flights[lookup]?.waiters.removeAll(where: \.hasStale)
                waiterCount -= stale.count
                if !stale.isEmpty { actions.append(.fail(lookup, stale)) }
            }
            if flight.asked < limits.attempts, now >= flight.nextTry {
                // Those that are silent for so long have failed, though a late answer is still taken.
                for attempt in flight.open.sorted() {
                    guard let sending = sent[attempt], now >= sending.at + 1000, !sending.countedAsFailure else {
                        continue
                    }
                    noteFailure(attempt, now: now)
                    actions.append(
                        .tell(
                            UpstreamTrouble(
                                server: sending.server, transport: sending.transport,
                                cause: "nothing came for a second")))
                }
                actions += tryNext(lookup, now: now, using: &random)
            }
        }
        for (attempt, sending) in sent where sending.lookup == nil && now >= sending.at + limits.stalePatience {
            actions += failed(attempt, now: now, using: &random)
        }
        for zone in zones {
            for server in zone.servers where isDown(server, zone) {
                guard let known = health[server], !known.isProbing, now >= known.nextProbe else { continue }
                actions += probe(server, now: now, using: &random)
            }
        }
        nextDue = soonest
        return actions
    }

    // MARK: Attempts

    /// The servers in the order in which they are asked: those that are down last.
    private mutating func order(_ zone: ForwardedZone, using random: inout some RandomNumberGenerator) -> [Int] {
        let order: [Int]
        switch zone.policy {
        case .sequential: order = Array(zone.servers.indices)
        case .random: order = zone.servers.indices.shuffled(using: &random)
        case .roundRobin:
            rotation &+= 1
            let first = Int(rotation % UInt64(zone.servers.count))
            order = zone.servers.indices.map { ($0 + first) % zone.servers.count }
        }
        return order.filter { !isDown(zone.servers[$0], zone) } + order.filter { isDown(zone.servers[$0], zone) }
    }

    private mutating func tryNext(
        _ lookup: Lookup, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard var flight = flights[lookup] else { return [] }
        guard flight.asked < limits.attempts else { return flight.open.isEmpty ? giveUp(lookup, now: now) : [] }
        // One server that refuses need not hear the same question over and over.
        let tries = flight.open.isEmpty ? max(flight.servers.count, 2) : limits.attempts
        guard flight.asked < tries else { return giveUp(lookup, now: now) }
        let server = flight.zone.servers[flight.servers[flight.asked % flight.servers.count]]
        // Longer each time round, so that a server in trouble is not asked the more.
        let round = UInt64(flight.asked / flight.servers.count)
        flight.nextTry = now + (health[server]?.patience ?? 300) << min(round, 3)
        flight.asked += 1
        flights[lookup] = flight
        wake(by: flight.nextTry)
        let secured = flight.zone.secured[server].map { UpstreamTransport.secured($0) }
        return send(
            lookup, to: server, by: secured ?? (flight.zone.forcesTCP ? .stream : .datagram), now: now, using: &random)
    }

    private mutating func send(
        _ lookup: Lookup, to server: SocketAddress, by transport: UpstreamTransport, hasExtension: Bool = true,
        now: UInt64,
        using random: inout some RandomNumberGenerator
    ) -> [Action] {
        guard flights[lookup] != nil else { return [] }
        lastAttempt += 1
        let id = UInt16.random(in: 0 ... .max, using: &random)
        sent[lastAttempt] = Sent(
            lookup: lookup, server: server, id: id, at: now, transport: transport, hasExtension: hasExtension)
        flights[lookup]?.open.insert(lastAttempt)
        counters.servers[server]?.requests += 1
        let bytes = UpstreamReply.query(lookup, id: id, hasExtension: hasExtension, isPadded: transport.isSecured)
        return [.send(lastAttempt, to: server, by: transport, bytes: bytes)]
    }

    private mutating func end(_ attempt: Attempt, _ lookup: Lookup) -> [Action] {
        sent[attempt] = nil
        flights[lookup]?.open.remove(attempt)
        return [.forget(attempt)]
    }

    private mutating func giveUp(_ lookup: Lookup, now: UInt64) -> [Action] {
        guard let flight = takeFlight(lookup) else { return [] }
        var actions: [Action] = []
        for attempt in flight.open.sorted() {
            noteFailure(attempt, now: now)
            sent[attempt] = nil
            actions.append(.forget(attempt))
        }
        if failures.count >= limits.flights { failures = failures.filter { now < $0.value } }
        if failures.count < limits.flights { failures[lookup] = now + limits.failureMemory }
        rest()
        return actions + [.fail(lookup, flight.waiters.map(\.waiter))]
    }

    private mutating func takeFlight(_ lookup: Lookup) -> Flight? {
        guard let flight = flights.removeValue(forKey: lookup) else { return nil }
        waiterCount -= flight.waiters.count
        return flight
    }

    // MARK: Health

    private mutating func noteSuccess(_ sending: Sent, _ code: ResponseCode, now: UInt64) {
        let elapsed = now &- sending.at
        health[sending.server]?.succeeded(after: elapsed)
        // One that is configured no more is not counted.
        guard var counts = counters.servers[sending.server] else { return }
        counts.responses[AnswerAccounts.codes.firstIndex(of: code) ?? AnswerAccounts.codes.count] += 1
        counts.durationSum += Double(elapsed) / 1000
        counts.durationCount += 1
        counters.servers[sending.server] = counts
    }

    private mutating func noteFailure(_ attempt: Attempt, now: UInt64) {
        guard let sending = sent[attempt], !sending.countedAsFailure else { return }
        sent[attempt]?.countedAsFailure = true
        health[sending.server]?.failed(now: now)
        // It may count as down now, and is to be probed.
        if let known = health[sending.server] { wake(by: known.nextProbe) }
        if sending.lookup == nil {
            counters.servers[sending.server]?.probeFailures += 1
        } else {
            counters.servers[sending.server]?.failures += 1
        }
    }

    private static var probeLookup: Lookup { Lookup(name: .root, type: .ns) }

    private mutating func probe(
        _ server: SocketAddress, now: UInt64, using random: inout some RandomNumberGenerator
    ) -> [Action] {
        lastAttempt += 1
        let id = UInt16.random(in: 0 ... .max, using: &random)
        let secured = zones.lazy.compactMap { $0.secured[server] }.first
        let transport = secured.map { UpstreamTransport.secured($0) } ?? .datagram
        sent[lastAttempt] = Sent(
            lookup: nil, server: server, id: id, at: now, transport: transport, hasExtension: true)
        health[server]?.probed(now: now)
        let bytes = UpstreamReply.query(Self.probeLookup, id: id, isPadded: transport.isSecured)
        return [.send(lastAttempt, to: server, by: transport, bytes: bytes)]
    }

    /// Whatever a server says to a probe, it is there.
    private mutating func probeAnswered(
        _ attempt: Attempt, _ sending: Sent, _ message: Span<UInt8>, now: UInt64
    ) -> [Action] {
        if case .foreign = UpstreamReply.judge(message, for: Self.probeLookup, id: sending.id) {
            counters.foreign += 1
            return []
        }
        health[sending.server]?.succeeded(after: now &- sending.at)
        return endProbe(attempt, sending.server)
    }
}
