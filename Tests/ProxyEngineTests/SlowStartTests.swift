import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("New endpoints begin slowly") struct SlowStartTests {
    private static let second: UInt64 = 1_000_000_000

    private static func upstream(_ ports: [UInt16], _ balancing: UpstreamBalancing) -> ProxyConfiguration.Upstream {
        .init(
            name: "a", endpoints: ports.map { SocketAddress(ip: .loopbackV4, port: Port($0)) }, balancing: balancing,
            slowStart: .seconds(100))
    }

    /// How many of 1,000 requests that end at once go to port 3, which came to 1 and 2 at second 50.
    private static func share(_ balancing: UpstreamBalancing, at now: UInt64) -> Int {
        var directory = UpstreamDirectory(seed: 5)
        directory.install([upstream([1, 2], balancing)], now: 1)
        directory.patch([upstream([1, 2, 3], balancing)], now: 50 * second)
        let state = directory.state(at: 0)
        return (0..<1000).count { _ in
            let chosen = directory.choose(for: state, key: 0, tried: TriedEndpoints(), now: now)
            return directory.endpoints.resolve(chosen)?.pointee.address.port.rawValue == 3
        }
    }

    @Test func `in turn a new endpoint gets a tenth of its share, then more, and then all of it`() {
        // Six standard deviations and more on either side.
        #expect((10...90).contains(Self.share(.roundRobin, at: 50 * Self.second)))
        #expect((130...270).contains(Self.share(.roundRobin, at: 100 * Self.second)))
        #expect((333...334).contains(Self.share(.roundRobin, at: 150 * Self.second)))
    }

    @Test(arguments: [UpstreamBalancing.leastRequests, .peakEWMA])
    func `with requests under way a new endpoint gets one more only when others have many`(
        balancing: UpstreamBalancing
    ) {
        for (now, mayExceed) in [(50 * Self.second, false), (160 * Self.second, true)] {
            var directory = UpstreamDirectory(seed: 5)
            var pool = UpstreamPool()
            directory.install([Self.upstream([1, 2], balancing)], now: 1)
            directory.patch([Self.upstream([1, 2, 3], balancing)], now: 50 * Self.second)
            let state = directory.state(at: 0)
            var held: [UInt16: Int] = [:]
            for _ in 0..<60 {
                let chosen = directory.choose(for: state, key: 0, tried: TriedEndpoints(), now: now)
                let endpoint = directory.endpoints[chosen]
                directory.succeeded(chosen, of: state, since: now - 1_000_000, now: now)
                _ = pool.open(to: endpoint)
                held[endpoint.pointee.address.port.rawValue, default: 0] += 1
            }
            #expect((held[3] ?? 0 >= 15) == mayExceed, "\(held) at \(now / Self.second) s")
            #expect(held[3] ?? 0 >= 1)
        }
    }

    @Test func `where all are new none is slow, and one that others had is not`() {
        var directory = UpstreamDirectory(seed: 5)
        directory.install([Self.upstream([1, 2], .roundRobin)], now: 10 * Self.second)
        #expect(directory.settledFrom == 0)
        var other = Self.upstream([4], .roundRobin)
        other.name = "b"
        directory.install([Self.upstream([1, 2], .roundRobin), other], now: 20 * Self.second)
        directory.install([Self.upstream([1, 2, 4], .roundRobin), other], now: 30 * Self.second)
        let state = directory.state(at: 0)
        let known = (0..<3).map { directory.endpoints[state.pointee.endpoints![$0]].pointee.warmsSince }
        #expect(known == [0, 0, 0])
    }
}
