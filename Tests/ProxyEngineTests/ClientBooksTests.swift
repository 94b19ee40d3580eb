import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("What each client may ask") struct ClientBooksTests {
    private static let second: UInt64 = 1_000_000_000

    /// How many of `tries` requests at one time are taken.
    private static func taken(_ table: RateTable, _ key: UInt64, _ rate: ClientLimits.Rate, tries: Int, at now: UInt64)
        -> Int
    {
        (0..<tries).count { _ in table.admits(key, rate, now: now) }
    }

    @Test func `a burst is taken at once, and then as many as the rate gives back`() {
        let table = RateTable(capacity: 1 << 10)
        let rate = ClientLimits.Rate(requests: 10, seconds: 1, burst: 50)
        let start = 77 * Self.second
        #expect(Self.taken(table, 1 << 50, rate, tries: 100, at: start) == 51)
        #expect(Self.taken(table, 1 << 50, rate, tries: 100, at: start + Self.second) == 10)
        #expect(Self.taken(table, 1 << 50, rate, tries: 100, at: start + Self.second + Self.second / 2) == 5)
        // All is forgiven after the burst's own time, and no more than that.
        #expect(Self.taken(table, 1 << 50, rate, tries: 100, at: start + 100 * Self.second) == 51)
        #expect(Self.taken(table, 2 << 50, rate, tries: 100, at: start) == 51, "others are counted apart")
    }

    @Test func `a minute is a minute, and the first request of all is taken whatever the clock says`() {
        let rate = ClientLimits.Rate(requests: 6, seconds: 60, burst: 0)
        for start: UInt64 in [0, 1, Self.second, 40 * 24 * 3600 * Self.second, .max / 2] {
            let table = RateTable(capacity: 4)
            #expect(Self.taken(table, 1, rate, tries: 5, at: start) == 1)
            #expect(Self.taken(table, 1, rate, tries: 5, at: start + 9 * Self.second) == 0)
            #expect(Self.taken(table, 1, rate, tries: 5, at: start + 11 * Self.second) == 1)
        }
    }

    @Test func `a client that comes back after days is not taken for one of the future`() {
        let table = RateTable(capacity: 4)
        let rate = ClientLimits.Rate(requests: 1, seconds: 1, burst: 0)
        for days in 0..<40 {
            #expect(table.admits(1, rate, now: UInt64(days) * 24 * 3600 * Self.second + 5), "day \(days)")
        }
    }

    @Test func `strangers take no more than the places there are, and whoever is due last stays`() {
        let table = RateTable(capacity: 8)
        let rate = ClientLimits.Rate(requests: 1, seconds: 3600, burst: 0)
        let now = 5 * Self.second
        let greedy = ClientLimits.Rate(requests: 1, seconds: 3600, burst: 8)
        #expect(Self.taken(table, 1 << 60, greedy, tries: 20, at: now) == 9)
        for stranger in 1..<10_000 { _ = table.admits(UInt64(stranger) << 41, rate, now: now) }
        #expect(Self.taken(table, 1 << 60, greedy, tries: 20, at: now) == 0)
    }

    @Test func `rates from several threads give no more than one thread's`() async {
        let table = RateTable(capacity: 1 << 10)
        let rate = ClientLimits.Rate(requests: 1, seconds: 1, burst: 999)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<1_000).count { _ in table.admits(3 << 45, rate, now: 9 * 1_000_000_000) } }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 1_000)
    }

    @Test func `so many requests are under way at a time, and a place is free again behind the last`() throws {
        let table = ConcurrencyTable(capacity: 8)
        let places = (0..<3).compactMap { _ in table.enter(1 << 40, most: 3) }
        #expect(places.count == 3 && table.enter(1 << 40, most: 3) == nil)
        let other = try #require(table.enter(2 << 40, most: 1))
        #expect(table.enter(2 << 40, most: 1) == nil)
        table.leave(places[0])
        let again = try #require(table.enter(1 << 40, most: 3))
        for place in places.dropFirst() + [again, other] { table.leave(place) }
        // Eight clients find a place, and a ninth is turned away as long as none of them goes.
        let eight = (1...8).compactMap { table.enter(UInt64($0) << 40, most: 1) }
        #expect(Set(eight).count == 8 && table.enter(9 << 40, most: 1) == nil)
        table.leave(eight[4])
        #expect(table.enter(9 << 40, most: 1) == eight[4])
    }

    @Test func `numbers beyond all measure are taken for the largest that there are`() {
        let slow = ClientLimits.Rate(requests: 1, seconds: .max, burst: .max)
        #expect(slow.interval == ClientLimits.Rate.most && slow.tolerance == ClientLimits.Rate.most)
        let quick = ClientLimits.Rate(requests: .max, seconds: 1, burst: .max)
        #expect(quick.interval == 1 && quick.tolerance == ClientLimits.Rate.most)
        #expect(ClientLimits.Rate(requests: 0, seconds: 0, burst: -1).tolerance == 0)
    }

    // MARK: Over sockets

    private static func harness(_ limits: ClientLimits, _ upstream: FakeUpstream) throws -> EngineHarness {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes[0].filters = FilterChain(clientLimits: limits)
        configuration.hosts[0].routes.append(.init(path: "/free", match: .prefix, upstream: 0))
        return try EngineHarness(configuration, loops: 2)
    }

    @Test func `who asks too often gets 503 on every loop, others do not`() async throws {
        let upstream = FakeUpstream()
        let limits = ClientLimits(
            name: "shop/web", rates: [.init(requests: 1, seconds: 3600, burst: 9)],
            exempt: AddressSet([CIDR("127.0.0.3/32")!]))
        let harness = try Self.harness(limits, upstream)
        // Connections of their own, so that both loops get some.
        let statuses = (0..<30).compactMap { _ in harness.get("/echo")?.status }
        #expect(statuses.count { $0 == 200 } == 10 && statuses.count { $0 == 503 } == 20)
        #expect(upstream.requests.count == 10)
        #expect(harness.get("/free/echo")?.status == 200)
        for (address, expected) in [(0x7F00_0002, 10), (0x7F00_0003, 15)] {
            var admitted = 0
            for _ in 0..<15 {
                let socket = try TestSocket(connectingTo: harness.port, from: IPAddress(v4: UInt32(address)))
                socket.send("GET /echo HTTP/1.1\r\nHost: a\r\n\r\n")
                if socket.readResponse()?.status == 200 { admitted += 1 }
            }
            #expect(admitted == expected)
        }
        // Another configuration forgives nothing.
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.hosts[0].routes[0].filters = FilterChain(maxBodyBytes: 5, clientLimits: limits)
        #expect(harness.engine.apply(configuration) == [])
        #expect(harness.get("/echo")?.status == 503)
        await harness.stop()
        upstream.stop()
    }

    @Test func `requests under way are counted until they end, however they end`() async throws {
        let upstream = FakeUpstream()
        let harness = try Self.harness(ClientLimits(name: "shop/web", requests: 2), upstream)
        let held = (0..<2).map { _ in harness.connect() }
        for socket in held { socket.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n") }
        _ = await harness.counters { _ in upstream.requests.count == 2 }
        #expect(harness.get("/echo")?.status == 503)
        #expect(harness.get("/free/echo")?.status == 200)
        held[0].close()
        // The proxy hears of it a moment later.
        var isFree = false
        for _ in 0..<500 where !isFree {
            isFree = harness.get("/echo")?.status == 200
            if !isFree { try await Task.sleep(for: .milliseconds(10)) }
        }
        #expect(isFree)
        let tunnel = harness.connect()
        tunnel.send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        #expect(tunnel.readResponse()?.status == 101)
        #expect(harness.get("/echo")?.status == 503)
        await harness.stop()
        upstream.stop()
    }
}
