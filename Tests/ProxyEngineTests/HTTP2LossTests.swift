import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import ProxyEngine

@Suite("Upstreams with HTTP/2 that are lost, slow or full") struct HTTP2LossTests {
    private typealias Client = HTTP2TestClient

    private static func harness(
        _ endpoints: [SocketAddress], limits: ProxyLimits = ProxyLimits()
    ) throws -> EngineHarness {
        var configuration = EngineHarness.toAll(endpoints, limits: limits)
        configuration.upstreams[0].version = .http2
        return try EngineHarness(configuration)
    }

    /// Waits until the counters are as wanted and the engine has kept the same number of bytes at thirty looks in a row.
    private static func settle(_ harness: EngineHarness, until isWanted: (ProxyCounters) -> Bool) async {
        var (before, looks) = (0, 0)
        _ = await harness.counters { counters in
            looks = isWanted(counters) && counters.bufferedBytes == before ? looks + 1 : 0
            before = counters.bufferedBytes
            return looks == 30
        }
    }

    @Test func `requests that were lost together share one new connection`() async throws {
        let accepted = Counter()
        let upstream = FakeUpstream(raw: { socket in
            let isFirst = accepted.next() == 1
            let server = Client(serving: socket)
            if isFirst {
                // One that has served before is taken for stale.
                guard let warm = server.nextHead() else { return }
                server.head(warm, [(":status", "200")])
                for _ in 0..<20 { guard server.nextHead() != nil else { return } }
                return
            }
            while let stream = server.nextHead() { server.head(stream, [(":status", "200")]) }
        })
        let harness = try Self.harness([upstream.address])
        let client = Client(harness.connect())
        client.head(1, Client.get("/"))
        #expect(client.answer(1).status == 200)
        let streams = (1...20).map { Int32(2 * $0 + 1) }
        for stream in streams { client.head(stream, Client.get("/")) }
        for stream in streams { #expect(client.answer(stream).status == 200) }
        #expect(upstream.accepted == 2)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a request that was not written when its connection broke is sent again, whatever its method`()
        async throws
    {
        let accepted = Counter()
        let mayEnd = DispatchSemaphore(value: 0)
        let upstream = FakeUpstream(raw: { socket in
            let isFirst = accepted.next() == 1
            let server = Client(serving: socket, settings: [(4, 1 << 30)])
            server.openWindow(0, 1 << 30)
            if isFirst {
                guard let warm = server.nextHead() else { return }
                server.head(warm, [(":status", "200")])
                // It reads nothing more, so that what comes now stays with the proxy.
                mayEnd.wait()
                return
            }
            while let stream = server.nextHead() {
                _ = server.answer(stream)
                server.head(stream, [(":status", "201")])
            }
        })
        var limits = ProxyLimits()
        limits.maxBodyBytes = nil
        let harness = try Self.harness([upstream.address], limits: limits)
        #expect(harness.get("/")?.status == 200)
        let large = harness.connect()
        Thread.detachNewThread {
            large.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000000\r\n\r\n")
            let block = FakeUpstream.pattern(1 << 20)
            while large.send(block) {}
        }
        // It is full when the proxy keeps what it would write, and goes on keeping as much. The kernel tells of room only when
        // there is a good deal of it: a few requests take what is left.
        await Self.settle(harness) { $0.bufferedBytes > 60_000 }
        var others: [TestSocket] = []
        for _ in 0..<6 {
            others.append(harness.connect())
            others.last?.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await Self.settle(harness) { $0.connectionsOpen == 1 + others.count }
        }
        let small = harness.connect()
        small.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        await Self.settle(harness) { $0.connectionsOpen == 2 + others.count }
        mayEnd.signal()
        #expect(small.readResponse()?.status == 201)
        await harness.stop()
        upstream.stop()
    }

    /// The upstream looks at no stream and says so when part of the content is there already.
    private static func postInParts(_ socket: TestSocket, parts: Int, of size: Int, _ taken: DispatchSemaphore) {
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(parts * size)\r\n\r\n")
        for part in 0..<parts {
            socket.send([UInt8](repeating: UInt8(0x61 + part), count: size))
            taken.wait()
        }
    }

    @Test func `content that was sent in part goes along when GOAWAY names an earlier stream`() async throws {
        let accepted = Counter()
        let taken = DispatchSemaphore(value: 0)
        let upstream = FakeUpstream(raw: { socket in
            let isFirst = accepted.next() == 1
            let server = Client(serving: socket)
            guard let stream = server.nextHead() else { return }
            for part in 1...4 {
                while (server.answers[stream]?.body.count ?? 0) < 10_000 * part {
                    guard server.readFrame() != nil else { return }
                }
                if isFirst, part == 3 { server.send(7, 0, 0, Client.bytes(0) + Client.bytes(0)) }
                if isFirst || part == 4 { taken.signal() }
                if isFirst, part == 3 {
                    while server.readFrame() != nil {}
                    return
                }
            }
            let body = server.answers[stream]?.body ?? []
            let isWhole = body == (0..<4).flatMap { [UInt8](repeating: UInt8(0x61 + $0), count: 10_000) }
            server.head(stream, [(":status", isWhole ? "201" : "500")])
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let socket = harness.connect()
        Thread.detachNewThread { Self.postInParts(socket, parts: 4, of: 10_000, taken) }
        #expect(socket.readResponse()?.status == 201)
        #expect(upstream.accepted == 2)
        let counters = await harness.counters { $0.bufferedBytes == 0 }
        #expect(counters.bufferedBytes < 1 << 17)
        await harness.stop()
        upstream.stop()
    }

    @Test func `content that is more than what is kept is not kept in part, and not sent again`() async throws {
        let mayRefuse = DispatchSemaphore(value: 0)
        let taken = DispatchSemaphore(value: 0)
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let stream = server.nextHead() else { return }
            for part in 1...9 {
                while (server.answers[stream]?.body.count ?? 0) < 10_000 * part {
                    guard server.readFrame() != nil else { return }
                }
                taken.signal()
            }
            mayRefuse.wait()
            server.send(7, 0, 0, Client.bytes(0) + Client.bytes(0))
            while server.readFrame() != nil {}
        })
        let harness = try Self.harness([upstream.address])
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        for part in 0..<9 {
            socket.send([UInt8](repeating: UInt8(0x61 + part), count: 10_000))
            taken.wait()
        }
        let counters = await harness.counters { $0.bufferedBytes == 0 }
        #expect(counters.bufferedBytes == 0)
        mayRefuse.signal()
        #expect(socket.readResponse()?.status == 502)
        #expect(upstream.accepted == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test func `an upstream that takes content slowly is given the time, and then that for an answer`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket, settings: [(4, 100)])
            guard let warm = server.nextHead() else { return }
            server.head(warm, [(":status", "200")])
            guard let stream = server.nextHead() else { return }
            for _ in 0..<8 {
                Thread.sleep(forTimeInterval: 0.3)
                server.openWindow(stream, 1000)
            }
            server.openWindow(stream, 100_000)
            _ = server.answer(stream)
            server.head(stream, [(":status", "201")])
            while server.readFrame() != nil {}
        })
        var limits = ProxyLimits()
        limits.writeTimeout = .milliseconds(1200)
        limits.responseTimeout = .milliseconds(1200)
        let harness = try Self.harness([upstream.address], limits: limits)
        #expect(harness.get("/")?.status == 200)
        let socket = harness.connect()
        socket.send(
            Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n".utf8) + FakeUpstream.pattern(20_000))
        #expect(socket.readResponse()?.status == 201)
        await harness.stop()
        upstream.stop()
    }

    @Test func `behind its last content a request waits as long as any other for its answer`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            let server = Client(serving: socket)
            guard let stream = server.nextHead() else { return }
            _ = server.answer(stream)
            Thread.sleep(forTimeInterval: 1)
            server.head(stream, [(":status", "201")])
            while server.readFrame() != nil {}
        })
        var limits = ProxyLimits()
        limits.writeTimeout = .milliseconds(200)
        let harness = try Self.harness([upstream.address], limits: limits)
        let socket = harness.connect()
        socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        socket.send("def")
        #expect(socket.readResponse()?.status == 201)
        await harness.stop()
        upstream.stop()
    }
}

/// Counts across the threads of an upstream.
private final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock {
            $0 += 1
            return $0
        }
    }
}
