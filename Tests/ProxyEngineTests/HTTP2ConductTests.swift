import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Clients with HTTP/2 that misbehave, and those that must not suffer for it") struct HTTP2ConductTests {
    private typealias Client = HTTP2TestClient

    @Test func `a stream that was passed over is not opened later`() {
        var order = HTTP2StreamOrder()
        // Heads of streams that were open once may be late.
        let admitted = [1, 3, 9, 11, 5, 7, 1, 3, 9, 11].map { order.admits($0) }
        #expect(admitted == [true, true, true, true, false, false, true, true, true, true])
        var fresh = HTTP2StreamOrder()
        let first = [5, 3].map { fresh.admits($0) }
        #expect(first == [true, false])
        // However many gaps: the latest are known.
        let grown = (1...40).map { fresh.admits(Int32(5 + 4 * $0)) }
        #expect(!grown.contains(false))
        let late = fresh.admits(163)
        #expect(!late)
        var last = HTTP2StreamOrder()
        let ends = [0x7FFF_FFFE, 0x7FFF_FFFF, 1].map { last.admits($0) }
        #expect(ends == [true, true, false])
    }

    @Test(arguments: [true, false])
    func `PRIORITY without a stream and an older stream end the connection`(isPriority: Bool) async throws {
        let harness = try EngineHarness([SocketAddress]())
        let client = Client(harness.connect())
        if isPriority {
            client.send(2, 0, 0, [0, 0, 0, 0, 1])
        } else {
            client.head(5, Client.get("/"))
            client.head(3, Client.get("/"))
        }
        #expect(client.readGoAway() == 1)
        await harness.stop()
    }

    @Test func `a client that has said GOAWAY may still ask, and is bounded while it waits`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        // Without a stream it would be the end.
        client.head(1, Client.get("/hang"))
        client.send(7, 0, 0, Client.bytes(0) + Client.bytes(0))
        client.head(3, Client.get("/length/10"))
        #expect(client.answer(3).body.count == 10)
        let flood = (0..<2000).flatMap { _ in Client.frame(6, 1, 0, Array(repeating: 0, count: 8)) }
        var sent = 0
        while sent < 9 << 20, client.socket.send(flood) { sent += flood.count }
        #expect(client.readGoAway() == 11)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a client that was told to go is not read on`() async throws {
        let harness = try EngineHarness([SocketAddress]())
        let client = Client(harness.connect())
        let flood = (0..<60_000).flatMap { _ in Client.frame(6, 1, 0, Array(repeating: 0, count: 8)) }
        var sent = 0
        while sent < 256 << 20, client.socket.send(flood) { sent += flood.count }
        // The flood, what may linger, and what the kernel's buffers hold.
        #expect(sent < (8 << 20) + LingeringClose.maxBytes + 16 << 20)
        #expect(await harness.counters { $0.connectionsOpen == 0 }.connectionsOpen == 0)
        await harness.stop()
    }

    /// CVE-2025-8671: a window that grows too large is a stream error, so that the proxy resets what it has passed on.
    @Test func `resets that a client makes the proxy send count as its own`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        // No more at once than it may have open.
        for batch in 0..<40 where client.goAway == nil {
            let streams = (50 * batch..<50 * (batch + 1)).map { Int32(2 * $0 + 1) }
            let bytes = streams.flatMap {
                Client.frame(1, 5, $0, Client.block(Client.get("/hang")))
                    + Client.frame(8, 0, $0, Client.bytes(0x7FFF_FFFF))
            }
            guard client.socket.send(bytes) else { break }
            for stream in streams {
                while client.answers[stream]?.isOver != true, client.goAway == nil, client.readFrame() != nil {}
            }
        }
        #expect(client.readGoAway() == 11)
        await harness.stop()
        upstream.stop()
    }

    @Test func `windows that are opened for a download are no flood`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect(), settings: [(4, 1 << 30)])
        client.openWindow(0, 1 << 30)
        client.opensWindows = false
        client.head(1, Client.get("/length/4000000"))
        #expect(client.answer(1).body.count == 4_000_000)
        let updates = (0..<10_000).flatMap { _ in Client.frame(8, 0, 0, Client.bytes(1)) }
        for _ in 0..<70 { client.socket.send(updates) }
        client.head(3, Client.get("/length/10"))
        #expect(client.answer(3).body.count == 10)
        #expect(client.goAway == nil)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a malformed head costs its stream and not the connection`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readRequest() != nil else { return }
            Thread.sleep(forTimeInterval: 1)
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = socket.readToEnd()
        })
        var limits = ProxyLimits()
        limits.requestHeadTimeout = .milliseconds(200)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect())
        // The connection has a timer of its own for as long as a head is coming.
        client.head(1, Client.get("/"))
        client.head(3, Client.get("/") + [("Upper", "case")])
        #expect(client.answer(3).resetCode != nil)
        #expect(client.answer(1).text == "ok")
        await harness.stop()
        upstream.stop()
    }

    @Test func `a response whose rest is given up ends with an error`() async throws {
        let upstream = FakeUpstream()
        var limits = ProxyLimits()
        limits.writeTimeout = .milliseconds(200)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(harness.connect(), settings: [(4, 10)])
        client.opensWindows = false
        client.head(1, Client.get("/length/100"))
        #expect(client.answer(1).resetCode == 2)
        #expect(client.answers[1]?.body.count == 10)
        await harness.stop()
        upstream.stop()
    }

    /// The head and its first content come in one read, when the stream has no slot yet.
    @Test func `the window opens for content that came with its head`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard socket.readHead() != nil else { return }
            // Two lines for each frame's chunk.
            let count = socket.readChunks()?.count ?? 0
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\(count)")
        })
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.socket.send(
            Client.frame(1, 4, 1, Client.block(Client.post("/")))
                + (0..<4).flatMap { _ in Client.frame(0, 0, 1, FakeUpstream.pattern(10_000)) })
        while client.windows[1] == nil, client.readFrame() != nil {}
        #expect(client.windows[1] == 40_000)
        client.content(1, FakeUpstream.pattern(20_000), ends: true)
        #expect(client.answer(1).text == "60000")
        await harness.stop()
        upstream.stop()
    }

    /// Whoever reads nothing does not gain time by what else the proxy has to say.
    @Test func `a client that reads nothing is cut off whatever its other streams get`() async throws {
        let asked = Mutex(0)
        let upstream = FakeUpstream(raw: { socket in
            guard let head = socket.readHead() else { return }
            if head.hasPrefix("GET /large") {
                socket.send("HTTP/1.1 200 OK\r\n\r\n")
                let block = FakeUpstream.pattern(1 << 18)
                while socket.send(block) {}
                return
            }
            // One after the other.
            let turn = asked.withLock {
                $0 += 1
                return $0
            }
            Thread.sleep(forTimeInterval: 0.1 * Double(turn))
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        })
        var limits = ProxyLimits()
        limits.writeTimeout = .milliseconds(400)
        let harness = try EngineHarness([upstream.address], limits: limits)
        let client = Client(
            TestSocket(connectingTo: harness.port, receiveBuffer: 4096), settings: [(4, 1 << 30)])
        client.openWindow(0, 1 << 30)
        for stream in 1...100 { client.head(Int32(2 * stream + 1), Client.get("/")) }
        client.head(203, Client.get("/large"))
        let counters = await harness.counters { $0.connectionsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.connectionsOpen == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func `a session that begins while the proxy drains is told so`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        _ = await harness.counters { $0.connectionsOpen == 1 }
        async let end: Void = harness.engine.shutdown(grace: .seconds(30))
        while !harness.engine.boundAddresses.isEmpty { await Task.yield() }
        _ = await harness.engine.counters()
        let client = Client(socket)
        client.head(1, Client.get("/length/10"))
        #expect(client.answer(1).body.count == 10)
        #expect(client.readGoAway() == 0)
        await end
        await harness.stop()
        upstream.stop()
    }

    @Test func `a request that comes in the same bytes as the answer to the last PING is answered`() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let client = Client(harness.connect())
        client.keepsPings = true
        client.head(1, Client.get("/length/10"))
        #expect(client.answer(1).body.count == 10)
        async let end: Void = harness.engine.shutdown(grace: .seconds(30))
        #expect(client.readGoAway() == 0)
        client.answerPings(behind: Client.frame(1, 5, 3, Client.block(Client.get("/length/12"))))
        #expect(client.answer(3).body.count == 12)
        await end
        await harness.stop()
        upstream.stop()
    }

    /// A download that its client takes as fast as it comes has always more to be written.
    @Test func `an endless download leaves others their turn`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            guard let head = socket.readHead() else { return }
            guard head.hasPrefix("GET /endless") else {
                socket.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                return
            }
            socket.send("HTTP/1.1 200 OK\r\n\r\n")
            let block = FakeUpstream.pattern(1 << 18)
            while socket.send(block) {}
        })
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        let client = Client(socket, settings: [(4, 1 << 30)])
        client.openWindow(0, 1 << 30)
        client.head(1, Client.get("/endless"))
        Thread.detachNewThread { while !socket.read(1 << 16).isEmpty {} }
        for _ in 0..<20 { #expect(harness.get("/")?.text == "ok") }
        await harness.stop()
        upstream.stop()
    }
}
