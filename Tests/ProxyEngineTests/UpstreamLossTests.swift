import NetworkTypes
import Synchronization
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Requests that an upstream failed, as the log tells of them") struct UpstreamLossTests {
    private static let endpoint = SocketAddress(ip: .loopbackV4, port: 9)

    private static func time(_ seconds: UInt64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + seconds * 1_000_000_000)
    }

    /// Keeps the lines.
    private final class Lines: Sendable {
        private let kept = Mutex<[String]>([])
        var all: [String] { kept.withLock { $0 } }
        func append(_ line: String) { kept.withLock { $0.append(line) } }
    }

    @Test func `the first of a kind is told at once, and those after it as a number`() {
        var ledger = LossLedger()
        let first = ledger.note(.connect, upstream: "shop/web:http", endpoint: Self.endpoint, at: Self.time(0))
        #expect(first == "shop/web:http: 127.0.0.1:9 could not be connected")
        for second in 1..<60 {
            #expect(
                ledger.note(.connect, upstream: "shop/web:http", endpoint: Self.endpoint, at: Self.time(UInt64(second)))
                    == nil)
        }
        let next = ledger.note(.connect, upstream: "shop/web:http", endpoint: nil, at: Self.time(60))
        #expect(next == "shop/web:http: could not be connected (59 more since the last line about it)")
    }

    @Test func `each way of failing and each upstream is told of by itself`() {
        var ledger = LossLedger()
        let lines = [UpstreamLoss.broken, .malformed, .responseTimeout].map {
            ledger.note($0, upstream: "a", endpoint: Self.endpoint, at: Self.time(0))
        }
        #expect(lines.allSatisfy { $0 != nil })
        #expect(Set(lines.compactMap(\.self)).count == 3)
        #expect(ledger.note(.broken, upstream: "b", endpoint: nil, at: Self.time(0)) != nil)
    }

    @Test func `a thousand upstreams that fail give ten lines in ten seconds, and none is forgotten`() {
        var ledger = LossLedger()
        let first = (0..<1_000).compactMap {
            ledger.note(.noEndpoint, upstream: "u\($0)", endpoint: nil, at: Self.time(0))
        }
        #expect(first.count == LossLedger.maxLines)
        // One that found no room is told of when there is some.
        #expect(
            ledger.note(.noEndpoint, upstream: "u100", endpoint: nil, at: Self.time(11))
                == "u100: has no endpoint to ask (1 more since the last line about it)")
        // Beyond the kinds that are told apart they are told of together.
        #expect(
            ledger.note(.noEndpoint, upstream: "u999", endpoint: nil, at: Self.time(12))?
                .hasPrefix("further upstreams: has no endpoint to ask (7") == true)
    }

    @Test func `a 502 and a 503 leave a line that names the upstream, its endpoint and the cause`() async throws {
        let lines = Lines()
        let gone = FakeUpstream()
        let address = gone.address
        gone.stop()
        let harness = try EngineHarness(EngineHarness.toAll([address]), losses: LossWatch { lines.append($0) })
        #expect(harness.get("/secret-path")?.status == 502)
        #expect(lines.all == ["all: \(address) could not be connected"])
        #expect(harness.get("/")?.status == 502)
        harness.engine.apply(EngineHarness.toAll([]))
        #expect(harness.get("/")?.status == 503)
        #expect(lines.all == ["all: \(address) could not be connected", "all: has no endpoint to ask"])
        await harness.stop()
    }
}
