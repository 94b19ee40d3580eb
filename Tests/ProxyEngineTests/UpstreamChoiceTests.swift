import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Which endpoint gets a request") struct UpstreamChoiceTests {
    private static let second: UInt64 = 1_000_000_000
    private static let all: [UpstreamBalancing] = [
        .roundRobin, .leastRequests, .peakEWMA, .hash(HashKey([.clientAddress])),
    ]

    private static func address(_ port: UInt16) -> SocketAddress { SocketAddress(ip: .loopbackV4, port: Port(port)) }

    /// A directory with one upstream.
    private struct Room: ~Copyable {
        var directory = UpstreamDirectory(seed: 7)
        var pool = UpstreamPool()
        var now = 100 * second
        let balancing: UpstreamBalancing
        let ejection: EjectionPolicy

        init(_ balancing: UpstreamBalancing, ports: [UInt16], ejection: EjectionPolicy = EjectionPolicy()) {
            self.balancing = balancing
            self.ejection = ejection
            set(ports)
        }

        mutating func set(_ ports: [UInt16]) {
            directory.install([
                .init(
                    name: "a", endpoints: ports.map { UpstreamChoiceTests.address($0) }, balancing: balancing,
                    ejection: ejection)
            ])
        }

        var state: UpstreamDirectory.State { directory.state(at: 0) }

        mutating func choose(key: UInt64 = 0, tried: TriedEndpoints = TriedEndpoints()) -> Handle<Party.Endpoints> {
            directory.choose(for: state, key: key, tried: tried, now: now)
        }

        mutating func port(key: UInt64 = 0) -> UInt16 { port(of: choose(key: key)) }

        func port(of endpoint: Handle<Party.Endpoints>) -> UInt16 {
            directory.endpoints.resolve(endpoint)?.pointee.address.port.rawValue ?? 0
        }

        func handle(_ port: UInt16) -> Handle<Party.Endpoints> {
            for position in 0..<Int(state.pointee.endpointCount) {
                if let handle = state.pointee.endpoints?[position], self.port(of: handle) == port { return handle }
            }
            return .none
        }

        /// Makes requests that do not end.
        mutating func hold(_ port: UInt16, _ count: Int) {
            for _ in 0..<count {
                directory.beginExchange(on: state)
                _ = pool.open(to: directory.endpoints[handle(port)])
            }
        }

        mutating func fail(_ port: UInt16, times: Int = 1, isConnection: Bool = true) {
            for _ in 0..<times {
                directory.failed(handle(port), of: state, isConnection: isConnection, since: now, now: now)
            }
        }
    }

    @Test(arguments: all) func `no endpoint is taken twice while there is another`(balancing: UpstreamBalancing) {
        var room = Room(balancing, ports: [1, 2, 3])
        for key in 1...20 {
            var tried = TriedEndpoints()
            var chosen: Set<UInt16> = []
            for _ in 0..<3 {
                let endpoint = room.choose(key: UInt64(key), tried: tried)
                #expect(chosen.insert(room.port(of: endpoint)).inserted)
                tried.insert(endpoint)
                // Others go on meanwhile.
                _ = room.choose(key: 99)
            }
            #expect(!room.choose(key: UInt64(key), tried: tried).isNone)
        }
        room.set([])
        #expect(room.choose(key: 1).isNone)
    }

    @Test func `round robin takes one after the other`() {
        var room = Room(.roundRobin, ports: [1, 2, 3])
        let first = (0..<3).map { _ in room.port() }
        #expect(Set(first) == [1, 2, 3])
        #expect((0..<3).map { _ in room.port() } == first)
    }

    @Test func `least connections takes whoever has the fewest requests, and goes round among equals`() {
        var room = Room(.leastRequests, ports: [1, 2, 3])
        #expect(Set((0..<3).map { _ in room.port() }) == [1, 2, 3])
        room.hold(1, 2)
        room.hold(2, 1)
        #expect((0..<6).map { _ in room.port() } == [3, 3, 3, 3, 3, 3])
        room.hold(3, 4)
        #expect(room.port() == 2)
    }

    @Test func `an endpoint's requests and its measured time outlast changes of the others`() {
        var room = Room(.leastRequests, ports: [1, 2, 3])
        room.hold(1, 3)
        room.hold(2, 1)
        room.set([1, 2, 4, 5])
        room.hold(4, 2)
        room.hold(5, 2)
        #expect((0..<4).map { _ in room.port() } == [2, 2, 2, 2])
        var timed = Room(.peakEWMA, ports: [1, 2])
        for (port, elapsed) in [(UInt16(1), 400 * Self.second / 1000), (2, Self.second / 1000)] {
            timed.directory.succeeded(
                timed.handle(port), of: timed.state, since: timed.now - elapsed, now: timed.now)
        }
        timed.set([1, 2, 3])
        timed.set([2, 1])
        #expect((0..<20).map { _ in timed.port() } == Array(repeating: 2, count: 20))
    }

    @Test func `a large pool is looked at in parts, and every part in turn`() {
        var room = Room(.leastRequests, ports: Array(1...200))
        for port in UInt16(1)...200 { room.hold(port, 1) }
        #expect(Set((0..<200).map { _ in room.port() }).count > 100)
    }

    @Test func `what answers later gets fewer requests, and is asked again when time has passed`() {
        var room = Room(.peakEWMA, ports: [1, 2])
        // One that has not been measured yet gets one request, not a herd.
        #expect([1, 2].contains(room.port()))
        room.hold(1, 1)
        #expect((0..<10).map { _ in room.port() } == Array(repeating: 2, count: 10))
        var latency = PeakEWMA()
        latency.observe(10_000_000, now: Self.second)
        let before = latency.cost(outstanding: 0, now: Self.second)
        latency.observe(500_000_000, now: Self.second)
        #expect(latency.cost(outstanding: 0, now: Self.second) == 500_000_000, "a peak counts at once")
        #expect(latency.cost(outstanding: 3, now: Self.second) == 2_000_000_000)
        #expect(latency.cost(outstanding: 0, now: 101 * Self.second) < before)
        latency.observe(1_000_000, now: 2 * Self.second)
        let after = latency.cost(outstanding: 0, now: 2 * Self.second)
        #expect(after > 400_000_000 && after < 500_000_000, "one fast answer does not make up for it")
    }

    @Test func `a key stays where it is when others come and go`() {
        var room = Room(.hash(HashKey([.path])), ports: [1, 2, 3, 4, 5])
        let keys = (1...2000).map { UInt64($0) &* 0x9E37_79B9_7F4A_7C15 }
        let before = keys.map { room.port(key: $0) }
        for port in UInt16(1)...5 {
            let share = before.count { $0 == port }
            #expect(share > 300 && share < 500, "\(port) has \(share) of 2000")
        }
        room.set([5, 1, 2, 4])
        for (old, key) in zip(before, keys) where old != 3 { #expect(room.port(key: key) == old) }
        room.set([1, 2, 3, 4, 5, 6])
        let moved = zip(before, keys).filter { old, key in room.port(key: key) != old }
        #expect(moved.allSatisfy { room.port(key: $0.1) == 6 })
        #expect(moved.count > 200 && moved.count < 470, "\(moved.count) of 2000 moved")
        // Another loop, with another seed of its own, and the same answer.
        var other = Room(.hash(HashKey([.path])), ports: [6, 5, 4, 3, 2, 1])
        for key in keys.prefix(100) { #expect(other.port(key: key) == room.port(key: key)) }
    }

    @Test func `an endpoint with more than its share hands its keys to the next one, the same for each`() {
        var room = Room(.hash(HashKey([.path])), ports: [1, 2, 3])
        let own = room.port(key: 42)
        room.hold(own, 15)
        #expect(room.port(key: 42) == own, "few requests are nobody's overload")
        room.hold(own, 85)
        let next = room.port(key: 42)
        #expect(next != own)
        #expect((0..<5).map { _ in room.port(key: 42) } == Array(repeating: next, count: 5))
        #expect(RendezvousHash.bound(total: 100, endpoints: 4) == 32)
        #expect(RendezvousHash.bound(total: 101, endpoints: 4) == 32)
        #expect(RendezvousHash.bound(total: 1000, endpoints: 10) == 125)
        #expect(RendezvousHash.bound(total: 3, endpoints: 3) == 16)
        #expect(RendezvousHash.bound(total: 3, endpoints: 0) == 16)
    }

    @Test func `requests without a key go round`() {
        var room = Room(.hash(HashKey([.field(Array("x-user".utf8))])), ports: [1, 2, 3])
        #expect(Set((0..<3).map { _ in room.port(key: 0) }) == [1, 2, 3])
    }

    // MARK: Ejection

    @Test(arguments: all) func `an endpoint that fails five times in a row is left out`(balancing: UpstreamBalancing) {
        var room = Room(balancing, ports: [1, 2, 3])
        room.fail(1, times: 4)
        #expect(!room.directory.endpoints[room.handle(1)].pointee.health.isEjected(room.now))
        room.fail(1)
        #expect(room.state.pointee.ejections == 1)
        for key in 1...50 { #expect(room.port(key: UInt64(key) &* 0x9E37_79B9_7F4A_7C15) != 1) }
        room.now += 10 * Self.second
        let back = (1...200).map { room.port(key: UInt64($0) &* 0x9E37_79B9_7F4A_7C15) }
        if balancing != .peakEWMA { #expect(back.contains(1)) }
    }

    @Test func `a success in between starts the count anew`() {
        var room = Room(.roundRobin, ports: [1, 2])
        for _ in 0..<5 {
            room.fail(1, times: 4)
            room.directory.succeeded(room.handle(1), of: room.state, since: room.now, now: room.now)
        }
        #expect(room.state.pointee.ejections == 0)
    }

    @Test func `once back, one failure ejects it for twice as long, and a time of health makes up for it`() {
        var room = Room(.roundRobin, ports: [1, 2])
        let health = { (room: borrowing Room) in room.directory.endpoints[room.handle(1)].pointee.health }
        room.fail(1, times: 5)
        #expect(health(room).ejectedUntil == room.now + 10 * Self.second)
        for length in [20, 40, 80, 160, 300, 300] as [UInt64] {
            room.now = health(room).ejectedUntil
            room.fail(1)
            #expect(health(room).ejectedUntil == room.now + length * Self.second)
        }
        room.now = health(room).ejectedUntil + 300 * Self.second
        room.directory.succeeded(room.handle(1), of: room.state, since: room.now, now: room.now)
        room.fail(1, times: 4)
        #expect(!health(room).isEjected(room.now))
        room.fail(1)
        #expect(health(room).ejectedUntil == room.now + 10 * Self.second)
    }

    @Test func `no more than its share of a pool is left out, and never the last one`() {
        var room = Room(.roundRobin, ports: [1, 2, 3, 4, 5])
        for port in UInt16(1)...5 { room.fail(port, times: 9) }
        #expect(room.state.pointee.ejections == 2)
        #expect(Set((0..<9).map { _ in room.port() }) == [3, 4, 5])
        var alone = Room(.roundRobin, ports: [1])
        alone.fail(1, times: 100)
        #expect(alone.port() == 1)
    }

    @Test func `where nobody is well, everybody is asked`() {
        var room = Room(.roundRobin, ports: [1, 2])
        room.fail(1, times: 5)
        // The one that was well has gone.
        room.set([1])
        #expect(room.port() == 1)
        // An answer shows that it is well before its time.
        room.set([1, 3])
        #expect((0..<4).map { _ in room.port() } == [3, 3, 3, 3])
        room.directory.succeeded(room.handle(1), of: room.state, since: room.now, now: room.now)
        #expect(Set((0..<4).map { _ in room.port() }) == [1, 3])
    }

    @Test func `requests that were not answered count where that is wanted`() {
        var room = Room(.roundRobin, ports: [1, 2])
        room.fail(1, times: 50, isConnection: false)
        #expect(room.state.pointee.ejections == 0)
        var strict = Room(.roundRobin, ports: [1, 2], ejection: EjectionPolicy(failures: 2, countsAnswers: true))
        strict.fail(1, times: 2, isConnection: false)
        #expect(strict.state.pointee.ejections == 1)
        var never = Room(.roundRobin, ports: [1, 2], ejection: EjectionPolicy(failures: 0))
        never.fail(1, times: 50)
        #expect(never.state.pointee.ejections == 0)
    }
}
