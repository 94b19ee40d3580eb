import DNS
import NetworkTypes
import TestSupport
import Testing

@Suite("Which upstream server is asked, and when") struct ResolverStateTests {
    static let one = SocketAddress(ip: IPAddress(v4: 0xc000_0201), port: 53)
    static let two = SocketAddress(ip: IPAddress(v4: 0xc000_0202), port: 53)
    static let lookup = UpstreamReplyTests.lookup

    /// Random ids, and an order of servers that is the configured one: whatever is chosen from few is the first.
    struct FirstOfFew: RandomNumberGenerator {
        private var random = SeededRandom(seed: 4)

        mutating func next() -> UInt64 { random.next() >> 16 | 1 << 20 }
    }

    /// A resolver and what it wants done.
    final class Stage {
        var state = ResolverState<Int>()
        var random = FirstOfFew()
        var now: UInt64 = 1000
        /// Messages under way: by attempt, where to, how, and the id.
        var open: [UInt64: (server: SocketAddress, byStream: Bool, bytes: [UInt8])] = [:]
        var answered: [Int] = []
        var failed: [Int] = []
        var sent: [SocketAddress] = []
        var transports: [UpstreamTransport] = []
        var told: [UpstreamTrouble] = []

        init(maximumFailures: Int = 2) {
            state.setZones([ForwardedZone(servers: [one, two], maximumFailures: maximumFailures)])
        }

        func ask(_ waiter: Int?, _ lookup: Lookup = lookup, hasStale: Bool = false) {
            perform(state.ask(lookup, waiter: waiter, hasStale: hasStale, now: now, using: &random))
        }

        func pass(_ milliseconds: UInt64) {
            now += milliseconds
            perform(state.advance(now: now, using: &random))
        }

        func receive(_ attempt: UInt64, _ bytes: [UInt8], isWhole: Bool = true) {
            perform(state.received(attempt, bytes.span, isWhole: isWhole, now: now, using: &random))
        }

        func fail(_ attempt: UInt64) { perform(state.failed(attempt, now: now, using: &random)) }

        func refuseToSend(_ attempt: UInt64) { perform(state.notSent(attempt)) }

        /// Time passes until something is to be done.
        func passUntilDue() {
            guard let due = state.nextDue else { return }
            pass(max(due, now) - now)
        }

        /// The attempt at a server that is under way.
        func attempt(_ server: SocketAddress) -> UInt64? { open.filter { $0.value.server == server }.keys.max() }

        func id(_ attempt: UInt64) -> UInt16 { open[attempt].map { $0.bytes.span.u16(at: 0) } ?? 0 }

        func good(_ attempt: UInt64) -> [UInt8] {
            UpstreamReplyTests.reply(
                id: id(attempt), answers: [UpstreamReplyTests.record([0xc0, 12], .a, [192, 0, 2, 53])])
        }

        private func perform(_ actions: [ResolverState<Int>.Action]) {
            for action in actions {
                switch action {
                case .send(let attempt, let server, let transport, let bytes):
                    open[attempt] = (server, transport.isStream, bytes)
                    transports.append(transport)
                    sent.append(server)
                case .forget(let attempt): open[attempt] = nil
                case .settle(_, _, let waiters): answered += waiters
                case .fail(_, let waiters): failed += waiters
                case .tell(let trouble): told.append(trouble)
                }
            }
        }
    }

    @Test func `equal questions share one message, and all who asked are answered`() throws {
        let stage = Stage()
        for waiter in 1...5 { stage.ask(waiter) }
        #expect(stage.sent == [Self.one])
        let attempt = try #require(stage.attempt(Self.one))
        stage.receive(attempt, stage.good(attempt))
        #expect(stage.answered == [1, 2, 3, 4, 5])
        #expect(stage.open.isEmpty && stage.state.flightCount == 0 && stage.state.attemptCount == 0)
    }

    @Test func `a message that does not fit is not taken, and the right one still is`() throws {
        let stage = Stage()
        stage.ask(1)
        let attempt = try #require(stage.attempt(Self.one))
        let good = stage.good(attempt)
        for (_, forgery) in UpstreamReplyTests.forgeries where !forgery.isEmpty {
            var bytes = forgery
            // Even with the right id, unless the id is what is wrong.
            if bytes.span.u16(at: 0) == 7 {
                bytes.replaceSubrange(..<2, with: good.prefix(2))
            } else {
                bytes[1] = good[1] ^ 1
            }
            stage.receive(attempt, bytes)
        }
        // Longer than was asked for: what travels in pieces can be forged piecewise.
        stage.receive(attempt, good + [UInt8](repeating: 0, count: 1233 - good.count))
        stage.receive(attempt + 1, good)
        #expect(stage.answered.isEmpty && stage.failed.isEmpty)
        stage.receive(attempt, good)
        #expect(stage.answered == [1])
    }

    @Test func `every message has an id of its own`() {
        let stage = Stage()
        for number in 0..<200 {
            stage.ask(number, Lookup(name: Wire.name("n\(number).example.com"), type: .a))
        }
        let ids = Set(stage.open.keys.map { stage.id($0) })
        #expect(ids.count > 190)
    }

    @Test func `a slow server is not waited for alone, and the first good answer counts`() throws {
        let stage = Stage()
        stage.ask(1)
        stage.pass(100)
        #expect(stage.sent == [Self.one])
        stage.pass(250)
        #expect(stage.sent == [Self.one, Self.two])
        let first = try #require(stage.attempt(Self.one))
        stage.receive(first, stage.good(first))
        #expect(stage.answered == [1])
        #expect(stage.open.isEmpty)
    }

    @Test func `a server that refuses or fails is followed by the next one at once`() throws {
        let stage = Stage()
        stage.ask(1)
        let first = try #require(stage.attempt(Self.one))
        stage.receive(first, UpstreamReplyTests.reply(id: stage.id(first), flags: 0x8182))
        #expect(stage.sent == [Self.one, Self.two])
        let second = try #require(stage.attempt(Self.two))
        stage.fail(second)
        #expect(stage.failed == [1])
        #expect(stage.open.isEmpty && stage.state.flightCount == 0)
        // Remembered for a while.
        stage.ask(2)
        #expect(stage.failed == [1, 2] && stage.sent.count == 2)
        stage.pass(5001)
        stage.ask(3)
        #expect(stage.sent.count == 3)
    }

    @Test func `a question that nobody answers is given up in time`() {
        let stage = Stage(maximumFailures: 0)
        stage.ask(1)
        for _ in 0..<250 { stage.pass(20) }
        #expect(stage.failed == [1])
        #expect(stage.sent.count <= 6)
        #expect(stage.open.isEmpty)
    }

    @Test func `an answer cut short is asked for again by TCP, from the same server`() throws {
        let stage = Stage()
        stage.ask(1)
        let first = try #require(stage.attempt(Self.one))
        stage.receive(first, UpstreamReplyTests.reply(id: stage.id(first), flags: 0x8380))
        let second = try #require(stage.attempt(Self.one))
        #expect(stage.open[second]?.byStream == true && stage.open.count == 1)
        stage.receive(second, stage.good(second))
        #expect(stage.answered == [1])
    }

    @Test func `an answer that came in pieces is not believed, whatever it says, and asked for by TCP`() throws {
        let stage = Stage()
        stage.ask(1)
        let first = try #require(stage.attempt(Self.one))
        // One with another id is nobody's, in pieces or not.
        stage.receive(first, UpstreamReplyTests.reply(id: stage.id(first) ^ 1), isWhole: false)
        #expect(stage.open[first] != nil && stage.open.count == 1)
        stage.receive(first, stage.good(first), isWhole: false)
        #expect(stage.answered.isEmpty)
        let second = try #require(stage.attempt(Self.one))
        #expect(stage.open[second]?.byStream == true && stage.open.count == 1)
        stage.receive(second, stage.good(second))
        #expect(stage.answered == [1])
    }

    @Test func `a server that knows no EDNS is asked without`() throws {
        let stage = Stage()
        stage.ask(1)
        let first = try #require(stage.attempt(Self.one))
        stage.receive(first, UpstreamReplyTests.reply(id: stage.id(first), flags: 0x8181))
        let second = try #require(stage.attempt(Self.one))
        #expect(stage.open[second].map { Array($0.bytes[10..<12]) } == [0, 0])
        stage.receive(second, stage.good(second))
        #expect(stage.answered == [1])
    }

    @Test func `a server that is down is asked last, probed, and asked first again when it is back`() throws {
        let stage = Stage()
        for number in 1...2 {
            stage.ask(number, Lookup(name: Wire.name("n\(number).example.com"), type: .a))
            let attempt = try #require(stage.attempt(Self.one))
            stage.fail(attempt)
        }
        stage.sent = []
        stage.ask(3)
        #expect(stage.sent == [Self.two])
        stage.sent = []
        stage.pass(600)
        let probe = try #require(stage.attempt(Self.one))
        stage.receive(
            probe, UpstreamReplyTests.reply(id: stage.id(probe), flags: 0x8185, question: "", type: .ns))
        stage.sent = []
        stage.ask(4, Lookup(name: Wire.name("n4.example.com"), type: .a))
        #expect(stage.sent == [Self.one])
    }

    @Test func `who has an answer out of date does not wait for long`() {
        let stage = Stage()
        stage.ask(1, hasStale: true)
        stage.ask(2)
        stage.pass(1700)
        #expect(stage.failed.isEmpty)
        stage.pass(200)
        #expect(stage.failed == [1])
        stage.ask(3, hasStale: true)
        #expect(stage.failed == [1, 3])
    }

    @Test func `there is a bound to the questions and to those who wait`() {
        let stage = Stage()
        stage.state.limits.flights = 3
        stage.state.limits.waiters = 2
        for number in 0..<5 { stage.ask(number, Lookup(name: Wire.name("n\(number).example.com"), type: .a)) }
        #expect(stage.failed == [3, 4])
        for number in 5..<8 { stage.ask(number, Lookup(name: Wire.name("n0.example.com"), type: .a)) }
        #expect(stage.failed == [3, 4, 6, 7])
        #expect(stage.state.counters.overflows == 4)
    }

    @Test func `the most specific zone says who is asked`() {
        let stage = Stage()
        stage.state.setZones([
            ForwardedZone(name: Wire.name("example"), servers: [Self.one]),
            ForwardedZone(name: Wire.name("corp.example"), servers: [Self.two]),
        ])
        stage.ask(1, Lookup(name: Wire.name("a.corp.example"), type: .a))
        stage.ask(2, Lookup(name: Wire.name("a.example"), type: .a))
        stage.ask(3, Lookup(name: Wire.name("a.example.net"), type: .a))
        #expect(stage.sent == [Self.two, Self.one])
        #expect(stage.failed == [3])
    }

    @Test func `those who wait for anything at all are bounded too, and leave when they are answered`() throws {
        let stage = Stage(maximumFailures: 0)
        stage.state.limits.allWaiters = 5
        for number in 0..<8 {
            stage.ask(number, Lookup(name: Wire.name("n\(number % 3).example.com"), type: .a))
        }
        #expect(stage.failed == [5, 6, 7])
        #expect(stage.state.waiterCount == 5)
        stage.ask(8, Lookup(name: Wire.name("n8.example.com"), type: .a))
        #expect(stage.failed == [5, 6, 7, 8])
        // Whom nobody waits for may still be fetched.
        stage.ask(nil, Lookup(name: Wire.name("n9.example.com"), type: .a))
        #expect(stage.state.flightCount == 4)
        stage.pass(5000)
        #expect(stage.state.waiterCount == 0 && stage.state.flightCount == 0)
    }

    @Test(arguments: 1...20)
    func `whatever happens, nobody is forgotten, nobody answered twice, and nothing missed its time`(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let stage = Stage()
        stage.state.limits.flights = 6
        stage.state.limits.allWaiters = 12
        var asked = 0
        for _ in 0..<2000 {
            let attempt = stage.open.keys.sorted().randomElement(using: &random)
            switch Int.random(in: 0..<8, using: &random) {
            case 0, 1, 2:
                asked += 1
                let number = Int.random(in: 0..<9, using: &random)
                stage.ask(
                    asked, number == 0 ? Self.lookup : Lookup(name: Wire.name("n\(number).example.com"), type: .a),
                    hasStale: Bool.random(using: &random))
            case 3: stage.ask(nil)
            case 4: if let attempt { stage.fail(attempt) }
            case 5: if let attempt { stage.receive(attempt, stage.good(attempt)) }
            case 6: if let attempt { stage.refuseToSend(attempt) }
            default: stage.passUntilDue()
            }
            #expect(stage.answered.count + stage.failed.count + stage.state.waiterCount == asked)
            if stage.state.flightCount + stage.state.attemptCount > 0 { #expect(stage.state.nextDue != nil) }
        }
        while stage.state.flightCount > 0 { stage.passUntilDue() }
        #expect(Set(stage.answered + stage.failed).count == asked && stage.answered.count + stage.failed.count == asked)
        #expect(stage.state.waiterCount == 0)
    }

    @Test func `nothing is due while servers are up and nobody asks`() throws {
        let stage = Stage()
        #expect(stage.state.nextDue == nil)
        stage.ask(1)
        #expect(stage.state.nextDue == 1300)
        let attempt = try #require(stage.attempt(Self.one))
        stage.receive(attempt, stage.good(attempt))
        #expect(stage.state.nextDue == nil)
    }

    @Test func `servers that stay down are probed less and less often, down to twice a minute`() throws {
        let stage = Stage()
        for number in 0..<3 {
            stage.ask(number, Lookup(name: Wire.name("n\(number).example.com"), type: .a))
            for server in [Self.one, Self.two] { if let attempt = stage.attempt(server) { stage.fail(attempt) } }
        }
        #expect(!stage.state.isHealthy && stage.state.flightCount == 0)
        stage.sent = []
        var pauses: [UInt64] = []
        var last = stage.now
        for _ in 0..<12 {
            stage.passUntilDue()
            pauses.append(stage.now - last)
            last = stage.now
            for server in [Self.one, Self.two] { if let probe = stage.attempt(server) { stage.fail(probe) } }
        }
        #expect(pauses == [500, 1000, 2000, 4000, 8000, 16_000] + Array(repeating: 30_000, count: 6))
        #expect(stage.sent.count == 24)
        // One that answers is up, and nothing more is due for it.
        stage.passUntilDue()
        for server in [Self.one, Self.two] {
            let probe = try #require(stage.attempt(server))
            stage.receive(
                probe, UpstreamReplyTests.reply(id: stage.id(probe), flags: 0x8185, question: "", type: .ns))
        }
        #expect(stage.state.isHealthy && stage.state.nextDue == nil)
    }

    @Test func `a message that this machine could not send is no failure of the server`() throws {
        let stage = Stage(maximumFailures: 1)
        stage.ask(1)
        stage.refuseToSend(try #require(stage.attempt(Self.one)))
        #expect(stage.failed == [1] && stage.sent == [Self.one])
        #expect(stage.state.isHealthy && stage.state.nextDue == nil)
        // Nor is it remembered: the next one may be luckier.
        stage.ask(2)
        #expect(stage.sent == [Self.one, Self.one])
        #expect(stage.state.counters.servers[Self.one]?.failures == 0)
    }

    @Test func `a server that was taken away while it was asked is not counted any more`() throws {
        let stage = Stage()
        stage.ask(1)
        stage.state.setZones([ForwardedZone(servers: [Self.two])])
        let attempt = try #require(stage.attempt(Self.one))
        stage.receive(attempt, stage.good(attempt))
        #expect(stage.answered == [1])
        #expect(Array(stage.state.counters.servers.keys) == [Self.two])
    }

    @Test(arguments: [ForwardedZone.Policy.sequential, .roundRobin])
    func `servers are asked in the order of the policy`(policy: ForwardedZone.Policy) {
        let stage = Stage()
        var zone = ForwardedZone(servers: [Self.one, Self.two])
        zone.policy = policy
        stage.state.setZones([zone])
        for number in 0..<4 { stage.ask(number, Lookup(name: Wire.name("\(number).example.com"), type: .a)) }
        #expect(
            stage.sent
                == (policy == .sequential
                    ? [Self.one, Self.one, Self.one, Self.one] : [Self.two, Self.one, Self.two, Self.one]))
    }

    @Test func `a zone that is asked over TCP alone sends no datagram`() {
        let stage = Stage()
        var zone = ForwardedZone(servers: [Self.one])
        zone.forcesTCP = true
        stage.state.setZones([zone])
        stage.ask(1)
        #expect(stage.open.values.map(\.byStream) == [true])
    }
}
