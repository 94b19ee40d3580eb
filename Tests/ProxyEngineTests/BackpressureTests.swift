import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine

@Suite("Who reads slowly slows down who writes") struct BackpressureTests {
    private static let size = 32 << 20

    @Test func aSlowReaderOfAResponseHoldsTheUpstreamBack() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = TestSocket(connectingTo: harness.port, receiveBuffer: 16_384, timeout: 30)
        socket.send("GET /length/\(Self.size) HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = await harness.counters { $0.bufferedBytes > 0 }
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(10))
            #expect(await harness.engine.counters().bufferedBytes < 512 << 10)
        }
        let response = try #require(socket.readResponse())
        #expect(response.body.count == Self.size)
        #expect(response.body == FakeUpstream.pattern(Self.size))
        #expect(await harness.counters { $0.bufferedBytes == 0 }.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func aSlowUpstreamHoldsTheClientBack() async throws {
        let upstream = FakeUpstream(raw: { socket in
            _ = socket.readHead()
            usleep(300_000)
            let body = socket.read(BackpressureTests.size)
            let isRight = body == FakeUpstream.pattern(BackpressureTests.size)
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(isRight ? "y" : "n")")
        })
        var limits = ProxyLimits()
        limits.maxBodyBytes = nil
        let harness = try EngineHarness([upstream.address], limits: limits)
        let socket = TestSocket(connectingTo: harness.port, timeout: 30)
        Thread.detachNewThread {
            socket.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(BackpressureTests.size)\r\n\r\n")
            socket.send(FakeUpstream.pattern(BackpressureTests.size))
        }
        for _ in 0..<20 {
            try await Task.sleep(for: .milliseconds(10))
            #expect(await harness.engine.counters().bufferedBytes < 512 << 10)
        }
        #expect(socket.readResponse()?.text == "y")
        await harness.stop()
        upstream.stop()
    }

    @Test func aTunnelIsHeldBackInBothDirections() async throws {
        let upstream = FakeUpstream(raw: { socket in
            _ = socket.readHead()
            socket.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
            usleep(100_000)
            // Everything back, after all of it was read.
            socket.send(socket.read(8 << 20))
        })
        let harness = try EngineHarness([upstream.address])
        let socket = TestSocket(connectingTo: harness.port, receiveBuffer: 16_384, timeout: 30)
        socket.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        #expect(socket.readResponse()?.status == 101)
        socket.send(FakeUpstream.pattern(8 << 20))
        try await Task.sleep(for: .milliseconds(50))
        #expect(await harness.engine.counters().bufferedBytes < 512 << 10)
        #expect(socket.read(8 << 20) == FakeUpstream.pattern(8 << 20))
        await harness.stop()
        upstream.stop()
    }

    @Test func idleConnectionsHoldNoBuffer() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let sockets = (0..<50).map { _ in harness.connect() }
        for socket in sockets {
            socket.send("GET /length/5000 HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(socket.readResponse()?.status == 200)
        }
        let counters = await harness.engine.counters()
        #expect(counters.connectionsOpen == 50)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        upstream.stop()
    }

    @Test func aClientThatLeavesEndsItsUpstreamRequest() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let socket = harness.connect()
        socket.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        socket.close()
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        #expect(counters.statuses == [499: 1])
        await harness.stop()
        upstream.stop()
    }
}
