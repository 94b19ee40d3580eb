import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import ProxyEngine

@Suite("Configurations change under traffic") struct SwapTests {
    /// Everything but one route, one upstream and one endpoint changes a hundred times a second.
    @Test func noRequestFailsAndNoTunnelDropsWhileTheConfigurationChanges() async throws {
        let upstreams = (0..<3).map { FakeUpstream(name: "u\($0)") }
        let addresses = upstreams.map(\.address)
        let configuration = { @Sendable (step: Int) in
            ProxyConfiguration(
                listeners: [EngineHarness.listener],
                hosts: [
                    .init(
                        host: .exact("a.example"),
                        routes: [
                            .init(path: "/", match: .prefix, upstream: 0),
                            .init(path: "/new\(step)", match: .prefix, upstream: 1),
                        ]),
                    .init(
                        host: .exact("h\(step).example"), routes: [.init(path: "/", match: .prefix, upstream: 1)]),
                ],
                upstreams: [
                    // The endpoint of the tunnels stays; the others come and go.
                    .init(name: "stable", endpoints: step % 2 == 0 ? addresses : [addresses[0], addresses[step % 3]]),
                    .init(name: "changing\(step)", endpoints: [addresses[1]]),
                ])
        }
        let harness = try EngineHarness(configuration(0), loops: 2)
        let isDone = Atomic<Bool>(false)
        let served = Atomic<Int>(0)
        let failures = Mutex<[String]>([])
        let port = harness.port
        let clients = DispatchGroup()
        for client in 0..<4 {
            clients.enter()
            Thread.detachNewThread {
                defer { clients.leave() }
                var socket = TestSocket(connectingTo: port)
                var index = 0
                while !isDone.load(ordering: .relaxed) {
                    index += 1
                    if index % 50 == 0 { socket = TestSocket(connectingTo: port) }
                    let size = index * 7 % 3_000
                    if client % 2 == 0 {
                        socket.send("GET /length/\(size) HTTP/1.1\r\nHost: a.example\r\n\r\n")
                    } else {
                        socket.send(
                            Array(
                                "POST /length/\(size) HTTP/1.1\r\nHost: a.example\r\nContent-Length: 500\r\n\r\n".utf8)
                                + FakeUpstream.pattern(500))
                    }
                    let response = socket.readResponse()
                    guard response?.status == 200, response?.body == FakeUpstream.pattern(size) else {
                        let found = response.map { "\($0.status) \($0.body.count)" } ?? socket.end
                        failures.withLock { $0.append("client \(client), request \(index): \(found)") }
                        return
                    }
                    served.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        clients.enter()
        Thread.detachNewThread {
            defer { clients.leave() }
            let socket = TestSocket(connectingTo: port)
            socket.send("GET /upgrade HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
            guard socket.readResponse()?.status == 101, socket.read(6).count == 6 else {
                return failures.withLock { $0.append("no tunnel") }
            }
            var index = 0
            while !isDone.load(ordering: .relaxed) {
                index += 1
                let message = Array("message \(index);".utf8)
                socket.send(message)
                if socket.read(message.count) != message {
                    return failures.withLock { $0.append("the tunnel dropped at \(index): \(socket.end)") }
                }
                usleep(1_000)
            }
        }
        for step in 1...200 {
            #expect(harness.engine.apply(configuration(step)) == [])
            try await Task.sleep(for: .milliseconds(10))
        }
        isDone.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            clients.notify(queue: .global()) { continuation.resume() }
        }
        #expect(failures.withLock { $0 } == [])
        #expect(served.load(ordering: .relaxed) > 200)
        // What was removed leaves nothing behind.
        let counters = await harness.counters { $0.connectionsOpen == 0 && $0.bufferedBytes == 0 }
        #expect(counters.upstreams.count <= 2)
        #expect(counters.bufferedBytes == 0)
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func idleConnectionsToARemovedEndpointCloseAndRequestsOnItFinish() async throws {
        let removed = FakeUpstream { socket, request in
            if request.startLine.contains("slow") { usleep(300_000) }
            return socket.send("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nremoved")
        }
        let kept = FakeUpstream { socket, _ in socket.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nkept") }
        let harness = try EngineHarness([removed.address])
        let idle = harness.connect()
        let slow = harness.connect()
        slow.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        idle.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.readResponse()?.text == "removed")
        _ = await harness.counters { $0.upstreamConnectionsIdle == 1 && $0.upstreamConnectionsOpen == 2 }
        harness.engine.apply(EngineHarness.toAll([kept.address]))
        let counters = await harness.counters { $0.upstreamConnectionsIdle == 0 }
        #expect(counters.upstreamConnectionsIdle == 0)
        idle.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(idle.readResponse()?.text == "kept")
        #expect(slow.readResponse()?.text == "removed")
        // The connection it was served on is not kept for an endpoint that is gone.
        let last = await harness.counters { $0.upstreamConnectionsOpen == 1 }
        #expect(last.upstreamConnectionsOpen == 1)
        await harness.stop()
        removed.stop()
        kept.stop()
    }

    @Test func listenersComeAndGoAndATakenPortIsReported() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness([upstream.address])
        let first = harness.port
        let taken = ProxyConfiguration.Listener(address: upstream.address, scheme: .http)
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.listeners.append(taken)
        let problems = harness.engine.apply(configuration)
        #expect(problems.map(\.subject) == [.listener(upstream.address)])
        #expect(harness.port == first)
        let open = harness.connect()
        open.send("GET /length/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(open.readResponse()?.status == 200)
        configuration.listeners = []
        #expect(harness.engine.apply(configuration) == [])
        _ = await harness.engine.counters()
        #expect(TestSocket(connectingTo: first).isAtEnd)
        // Connections outlive the listener they came from.
        open.send("GET /length/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(open.readResponse()?.status == 200)
        await harness.stop()
        upstream.stop()
    }

    @Test func roundRobinUsesEveryEndpoint() async throws {
        let upstreams = (0..<3).map { index in
            FakeUpstream { socket, _ in socket.send("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(index)") }
        }
        let harness = try EngineHarness(upstreams.map(\.address))
        var counts: [String: Int] = [:]
        let socket = harness.connect()
        for _ in 0..<30 {
            socket.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            counts[socket.readResponse()?.text ?? "", default: 0] += 1
        }
        #expect(counts == ["0": 10, "1": 10, "2": 10])
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }
}
