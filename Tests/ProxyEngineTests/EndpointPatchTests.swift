import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import ProxyEngine

@Suite("Endpoints patched apart from routes") struct EndpointPatchTests {
    private static func naming(_ name: String) -> FakeUpstream {
        FakeUpstream { socket, _ in
            socket.send("HTTP/1.1 200 OK\r\nContent-Length: \(name.utf8.count)\r\n\r\n\(name)")
        }
    }

    private static func twoHosts(_ first: [SocketAddress], _ second: [SocketAddress]) -> ProxyConfiguration {
        ProxyConfiguration(
            listeners: [EngineHarness.listener],
            hosts: [
                .init(host: .exact("a.example"), routes: [.init(path: "/", match: .prefix, upstream: 0)]),
                .init(host: .exact("b.example"), routes: [.init(path: "/", match: .prefix, upstream: 1)]),
            ],
            upstreams: [.init(name: "a", endpoints: first), .init(name: "b", endpoints: second)])
    }

    @Test func `a patch moves its upstream on every loop and leaves the others their connections`() async throws {
        let old = Self.naming("old")
        let new = Self.naming("new")
        let other = Self.naming("other")
        let harness = try EngineHarness(Self.twoHosts([old.address], [other.address]), loops: 2)
        for _ in 0..<20 {
            #expect(harness.get("/", host: "a.example")?.text == "old")
            #expect(harness.get("/", host: "b.example")?.text == "other")
        }
        let before = other.accepted
        #expect(harness.engine.patch([.init(name: "a", endpoints: [new.address])]) == [])
        _ = await harness.engine.counters()
        for _ in 0..<20 {
            #expect(harness.get("/", host: "a.example")?.text == "new")
            #expect(harness.get("/", host: "b.example")?.text == "other")
        }
        #expect(other.accepted <= max(before, 2))
        let counters = await harness.counters { $0.upstreams["a"]?.traffic.requests == 40 }
        #expect(counters.upstreams["a"]?.traffic.requests == 40)
        await harness.stop()
        for upstream in [old, new, other] { upstream.stop() }
    }

    @Test func `idle connections to an endpoint that a patch removes are closed`() async throws {
        let old = Self.naming("old")
        let harness = try EngineHarness([old.address])
        #expect(harness.get("/")?.text == "old")
        _ = await harness.counters { $0.upstreamConnectionsIdle == 1 }
        harness.engine.patch([.init(name: "all", endpoints: [])])
        let counters = await harness.counters { $0.upstreamConnectionsOpen == 0 }
        #expect(counters.upstreamConnectionsOpen == 0)
        #expect(harness.get("/")?.status == 503)
        harness.engine.patch([.init(name: "all", endpoints: [old.address])])
        _ = await harness.engine.counters()
        #expect(harness.get("/")?.text == "old")
        await harness.stop()
        old.stop()
    }

    @Test func `names that are not configured change nothing and are told`() async throws {
        let upstream = Self.naming("one")
        let harness = try EngineHarness([upstream.address])
        let unknown = harness.engine.patch([
            .init(name: "nobody", endpoints: []), .init(name: "all", endpoints: [upstream.address]),
        ])
        #expect(unknown == ["nobody"])
        #expect(harness.get("/")?.text == "one")
        // The name goes with the configuration that had it.
        harness.engine.apply(ProxyConfiguration(listeners: [EngineHarness.listener]))
        #expect(harness.engine.patch([.init(name: "all", endpoints: [])]) == ["all"])
        await harness.stop()
        upstream.stop()
    }

    @Test func `a whole configuration that follows a patch has the last word`() async throws {
        let first = Self.naming("first")
        let second = Self.naming("second")
        let harness = try EngineHarness([first.address])
        harness.engine.patch([.init(name: "all", endpoints: [second.address])])
        _ = await harness.engine.counters()
        #expect(harness.get("/")?.text == "second")
        harness.engine.apply(EngineHarness.toAll([first.address]))
        _ = await harness.engine.counters()
        #expect(harness.get("/")?.text == "first")
        await harness.stop()
        for upstream in [first, second] { upstream.stop() }
    }

    @Test func `no request fails while endpoints are patched without a pause`() async throws {
        let upstreams = (0..<3).map { FakeUpstream(name: "u\($0)") }
        let addresses = upstreams.map(\.address)
        let harness = try EngineHarness(addresses, loops: 2)
        let isDone = Atomic<Bool>(false)
        let served = Atomic<Int>(0)
        let failures = Mutex<[String]>([])
        let port = harness.port
        let clients = DispatchGroup()
        for client in 0..<3 {
            clients.enter()
            Thread.detachNewThread {
                defer { clients.leave() }
                let socket = TestSocket(connectingTo: port)
                while !isDone.load(ordering: .relaxed) {
                    socket.send("GET /length/\(100 + client) HTTP/1.1\r\nHost: a.example\r\n\r\n")
                    guard let response = socket.readResponse(), response.status == 200 else {
                        return failures.withLock { $0.append(socket.end) }
                    }
                    served.wrappingAdd(1, ordering: .relaxed)
                }
            }
        }
        var step = 0
        while served.load(ordering: .relaxed) < 600, failures.withLock({ $0.isEmpty }) {
            step += 1
            harness.engine.patch([.init(name: "all", endpoints: [addresses[step % 3], addresses[(step + 1) % 3]])])
            try await Task.sleep(for: .milliseconds(1))
        }
        isDone.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            clients.notify(queue: .global()) { continuation.resume() }
        }
        #expect(failures.withLock { $0 } == [])
        await harness.stop()
        for upstream in upstreams { upstream.stop() }
    }

    @Test func `a route that takes another one's counter begins at nought`() async throws {
        let upstream = FakeUpstream()
        func configuration(_ path: String) -> ProxyConfiguration {
            ProxyConfiguration(
                listeners: [EngineHarness.listener],
                hosts: [.init(host: .any, routes: [.init(path: path, match: .prefix, upstream: 0)])],
                upstreams: [.init(name: "all", endpoints: [upstream.address])])
        }
        let harness = try EngineHarness(configuration("/length"))
        for _ in 0..<5 { #expect(harness.get("/length/1")?.status == 200) }
        _ = await harness.counters { $0.routes["*/length"]?.requests == 5 }
        // One request is on its way while its route goes.
        let slow = harness.connect()
        slow.send("GET /length/1 HTTP/1.1\r\nHost: a\r\n")
        harness.engine.apply(configuration("/echo"))
        _ = await harness.engine.counters()
        slow.send("\r\n")
        #expect(slow.readResponse()?.status == 404)
        #expect(harness.get("/echo")?.status == 200)
        let counters = await harness.counters { $0.routes["*/echo"] != nil }
        #expect(counters.routes["*/echo"]?.requests == 1)
        #expect(counters.routes["*/length"] == nil)
        await harness.stop()
        upstream.stop()
    }
}
