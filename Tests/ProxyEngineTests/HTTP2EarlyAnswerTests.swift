import Foundation
import NetworkTypes
import Synchronization
import TestSupport
import Testing

@testable import ProxyEngine

/// What is answered, taken back or lost while content is still on its way up: nghttp2 and the proxy must forget a stream at
/// the same time.
@Suite("Upstreams with HTTP/2 answer before they have read") struct HTTP2EarlyAnswerTests {
    private typealias Client = HTTP2TestClient

    private static func configuration(_ endpoints: [SocketAddress]) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll(endpoints)
        configuration.upstreams[0].version = .http2
        return configuration
    }

    @Test func `content that no window lets through is taken back when the answer is whole`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket, settings: [(4, 1)])
            // By the first request the proxy has read the settings.
            guard let warm = server.nextHead() else { return }
            server.head(warm, [(":status", "200")])
            guard let first = server.nextHead() else { return }
            server.head(first, [(":status", "413")])
            guard let second = server.nextHead() else { return }
            // Whoever keeps the stream would now send on, or hear that it is closed.
            server.openWindow(first, 100)
            server.reset(first, 0)
            server.head(second, [(":status", server.answers[first]?.resetCode == 8 ? "200" : "500")])
            while server.readFrame() != nil {}
        })
        let harness = try EngineHarness(Self.configuration([upstream.address]))
        #expect(harness.get("/")?.status == 200)
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10\r\n\r\n0123456789")
        #expect(socket.readResponse()?.status == 413)
        #expect(harness.get("/")?.status == 200)
        #expect(upstream.accepted == 1)
        await harness.stop()
        upstream.stop()
    }

    /// An upstream that answers 413 as soon as it has a head, and then does one of many things to the stream.
    private static func hasty(seed: UInt64) -> FakeUpstream {
        let seeds = Mutex(SeededRandom(seed: seed))
        return FakeUpstream(raw: { socket in
            var random = seeds.withLock { SeededRandom(seed: $0.next()) }
            let window = UInt32.random(in: 0...20_000, using: &random)
            let server = Client(serving: socket, settings: [(4, window)])
            while let stream = server.nextHead() {
                let hasContent = Bool.random(using: &random)
                server.head(stream, [(":status", "413")], ends: !hasContent)
                if hasContent { server.content(stream, Array("early".utf8), ends: true) }
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    switch Int.random(in: 0..<8, using: &random) {
                    case 0, 1: server.reset(stream, 0)
                    case 2, 3: server.openWindow(stream, 30_000)
                    case 4: server.openWindow(0, 30_000)
                    case 5: server.send(7, 0, 0, Client.bytes(UInt32(stream)) + Client.bytes(0))
                    case 6: server.send(4, 0, 0, [0, 4] + Client.bytes(UInt32.random(in: 0...90_000, using: &random)))
                    default: if Int.random(in: 0..<4, using: &random) == 0 { return }
                    }
                }
            }
        })
    }

    @Test func `resets, windows, GOAWAY, ends of connections and new endpoints in any order do no harm`() async throws {
        let upstreams = [Self.hasty(seed: 0x413), Self.hasty(seed: 0x414)]
        let addresses = upstreams.map(\.address)
        let harness = try EngineHarness(Self.configuration(addresses))
        let body = String(repeating: "x", count: 60_000)
        let counted = await withTaskGroup(of: [Int].self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var socket = harness.connect()
                    return (0..<150).map { _ in
                        socket.send("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 60000\r\n\r\n" + body)
                        let response = socket.readResponse()
                        if response == nil || response?["Connection"] == "close" { socket = harness.connect() }
                        return response?.status ?? 0
                    }
                }
            }
            group.addTask {
                for round in 0..<200 {
                    let endpoints = [[0], [1], [0, 1]][round % 3].map { addresses[$0] }
                    harness.engine.patch([.init(name: "all", endpoints: endpoints, version: .http2)])
                    _ = await harness.engine.counters()
                }
                return []
            }
            return await group.reduce(into: [Int: Int]()) { counted, statuses in
                for status in statuses { counted[status, default: 0] += 1 }
            }
        }
        #expect(counted.values.reduce(0, +) == 600)
        #expect((counted[413] ?? 0) > 0)
        // A connection may end before the answer: then it is 502, never silence and never anything else.
        #expect(counted.keys.allSatisfy { [413, 502].contains($0) }, "\(counted)")
        for upstream in upstreams { upstream.stop() }
        let counters = await harness.counters { $0.bufferedBytes == 0 && $0.connectionsOpen == 0 }
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
    }
}
