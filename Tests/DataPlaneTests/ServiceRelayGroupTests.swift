import Dispatch
import Glibc
import KubeModel
import NetworkTypes
import Synchronization
import TestSupport
import Testing
import TrafficModel
import Transport

@testable import DataPlane

/// Real sockets on loopback.
@Suite("The relays pass bytes and datagrams on as their frontends say")
struct ServiceRelayGroupTests {
    private let loops: [EventLoop]
    private let relays: ServiceRelayGroup

    init() throws {
        loops = try EventLoop.group(count: 2, name: "test")
        relays = ServiceRelayGroup(loops: loops)
    }

    private func frontend(
        to endpoints: [SocketAddress], transport: TransportProtocol = .tcp, affinity: Int? = nil,
        sources: SourceRanges = .everyone, service: String = "web"
    ) -> Frontend {
        let id = ServicePortID(
            service: NamespacedName(namespace: "default", name: service), port: 80, transport: transport)
        return Frontend(
            role: .clusterIP, backend: ServiceBackendID(port: id, family: .v4, policy: .cluster), endpoints: endpoints,
            affinitySeconds: affinity, sourceRanges: sources)
    }

    private static let lastPort = Atomic<UInt16>(20_000)

    /// An address that no other test uses.
    private func freeKey(_ transport: TransportProtocol = .tcp) throws -> FrontendKey {
        let port = Self.lastPort.add(1, ordering: .relaxed).newValue
        return FrontendKey(
            transport: transport,
            address: SocketAddress(ip: try #require(IPAddress(OwnLoopback.address)), port: Port(port)))
    }

    @Test func `bytes pass both ways and endpoints take turns`() async throws {
        let backends = [try LineServer(name: "a"), try LineServer(name: "b")]
        let key = try freeKey()
        #expect(await relays.apply([.set(key, frontend(to: backends.map(\.address)), replacing: nil)]).isEmpty)
        var answers: Set<String> = []
        for _ in 0..<4 { answers.insert(try BlockingSocket(key.address).exchange("hello")) }
        #expect(answers == ["a hello", "b hello"])
        await relays.shutDown(grace: .zero)
    }

    @Test func `the fewest connections decide where a Service asks for that`() async throws {
        let backends = [try LineServer(name: "a"), try LineServer(name: "b")]
        let key = try freeKey()
        var frontend = frontend(to: backends.map(\.address))
        frontend.balancing = .leastConnections
        _ = await relays.apply([.set(key, frontend, replacing: nil)])
        // Two that stay, one on each; each further one ends before the next begins.
        let held = [try BlockingSocket(key.address), try BlockingSocket(key.address)]
        let names = try held.map { try $0.exchange("hello").prefix(1) }
        #expect(Set(names) == ["a", "b"])
        let third = try BlockingSocket(key.address)
        let crowded = try third.exchange("hello").prefix(1)
        for _ in 0..<3 {
            let fourth = try BlockingSocket(key.address)
            #expect(try fourth.exchange("hello").prefix(1) != crowded)
            fourth.reset()
            while relays.counters.openConnections > 3 { try await Task.sleep(for: .milliseconds(2)) }
        }
        withExtendedLifetime((held, third)) {}
        await relays.shutDown(grace: .zero)
    }

    @Test func `a large body arrives whole through a slow reader`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        try socket.send("bytes 8000000\n")
        usleep(200_000)
        #expect(try socket.receiveAll().count == 8_000_000)
        await relays.shutDown(grace: .zero)
    }

    @Test func `an endpoint that refuses is passed over`() async throws {
        let backend = try LineServer(name: "a")
        let dead = try freeKey().address
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [dead, backend.address]), replacing: nil)])
        for _ in 0..<4 { #expect(try BlockingSocket(key.address).exchange("x") == "a x") }
        await relays.shutDown(grace: .zero)
    }

    @Test func `closing an address refuses new connections and keeps established ones`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        #expect(try socket.exchange("one") == "a one")
        _ = await relays.apply([.remove(key, frontend(to: [backend.address]))])
        #expect(throws: BlockingSocket.Failure.self) { try BlockingSocket(key.address) }
        #expect(try socket.exchange("two") == "a two")
        await relays.shutDown(grace: .zero)
    }

    @Test func `session affinity sends a client to one endpoint`() async throws {
        let backends = [try LineServer(name: "a"), try LineServer(name: "b")]
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: backends.map(\.address), affinity: 60), replacing: nil)])
        let answers = try (0..<6).map { _ in try BlockingSocket(key.address).exchange("x") }
        #expect(Set(answers).count == 1)
        await relays.shutDown(grace: .zero)
    }

    @Test func `a client outside of the source ranges is turned away`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([
            .set(key, frontend(to: [backend.address], sources: .only([CIDR("192.0.2.0/24")!])), replacing: nil)
        ])
        #expect(throws: BlockingSocket.Failure.self) { try BlockingSocket(key.address).exchange("x") }
        #expect(relays.counters.refused == 1)
        await relays.shutDown(grace: .zero)
    }

    @Test func `a Service that has all connections makes room for another one, and gets no more itself`() async throws {
        // Two listeners and two connections; the rest is for those that come in place of others.
        let relays = ServiceRelayGroup(loops: loops, descriptors: 64)
        let backend = try LineServer(name: "a")
        let (crowded, other) = (try freeKey(), try freeKey())
        let sets = [
            FrontendPlanner.Change.set(crowded, frontend(to: [backend.address]), replacing: nil),
            .set(other, frontend(to: [backend.address], service: "other"), replacing: nil),
        ]
        #expect(await relays.apply(sets).isEmpty)
        var silent: [BlockingSocket] = []
        // Each is relayed before the next one comes, so that their order is known.
        for _ in 0..<30 {
            let socket = try BlockingSocket(crowded.address)
            #expect(try socket.exchange("x") == "a x")
            silent.append(socket)
        }
        #expect(relays.counters.openConnections == 30)
        #expect(throws: BlockingSocket.Failure.self) { try BlockingSocket(crowded.address).exchange("more") }
        let second = try BlockingSocket(other.address)
        #expect(try second.exchange("two") == "a two")
        #expect(throws: BlockingSocket.Failure.self) { try silent[0].exchange("gone") }
        #expect(try silent[29].exchange("kept") == "a kept")
        var told = relays.crowding.makeAsyncIterator()
        let report = try #require(await told.next())
        #expect(report.ended == 1 && report.refused == 1)
        #expect(report.shares.map(\.service.name) == ["web"])
        #expect(report.description.contains("most from 127."))
        withExtendedLifetime(silent) {}
        await relays.shutDown(grace: .zero)
        #expect(relays.descriptors.count == 0)
    }

    @Test func `a quarter of the descriptors is for connections, however many addresses there are`() async throws {
        let relays = ServiceRelayGroup(loops: loops, descriptors: 8)
        let backend = try LineServer(name: "a")
        let keys = try (0..<7).map { _ in try freeKey() }
        let sets = keys.map { FrontendPlanner.Change.set($0, frontend(to: [backend.address]), replacing: nil) }
        let failures = await relays.apply(sets)
        #expect(failures.count == 1)
        #expect(failures.first?.error.message.contains("limit on open files") == true)
        let served = try #require(keys.first { $0 != failures.first?.key })
        #expect(try BlockingSocket(served.address).exchange("x") == "a x")
        await relays.shutDown(grace: .zero)
    }

    @Test func `a new UDP client takes the place of an idle one where the descriptors are used up`() async throws {
        let relays = ServiceRelayGroup(loops: loops, descriptors: 8)
        let backend = try DatagramServer()
        let key = try freeKey(.udp)
        _ = await relays.apply([.set(key, frontend(to: [backend.address], transport: .udp), replacing: nil)])
        let clients = try (0..<10).map { _ in try BlockingSocket(key.address, datagrams: true) }
        for (index, client) in clients.enumerated() {
            try client.send("from \(index)")
            #expect(try client.receive() == "from \(index)")
        }
        #expect(relays.counters.openFlows == 7)
        #expect(relays.counters.evictedFlows == 3)
        #expect(relays.descriptors.count == 8)
        await relays.shutDown(grace: .zero)
    }

    @Test func `an address that is taken is reported`() async throws {
        let key = try freeKey()
        let taken = try Socket.listen(key.address)
        defer { Socket.close(taken) }
        let failures = await relays.apply([.set(key, frontend(to: [key.address]), replacing: nil)])
        #expect(failures.map(\.key) == [key])
        #expect(failures.first?.error.code == .addressInUse)
        await relays.shutDown(grace: .zero)
    }

    @Test func `datagrams of any length find their way back to their sender`() async throws {
        let backend = try DatagramServer()
        let key = try freeKey(.udp)
        _ = await relays.apply([.set(key, frontend(to: [backend.address], transport: .udp), replacing: nil)])
        let first = try BlockingSocket(key.address, datagrams: true)
        let second = try BlockingSocket(key.address, datagrams: true)
        for size in [1, 1400, 20_000] {
            let text = String(repeating: "x", count: size)
            try first.send(text + "1")
            try second.send(text + "2")
            #expect(try second.receive() == text + "2")
            #expect(try first.receive() == text + "1")
        }
        #expect(relays.counters.openFlows == 2)
        await relays.shutDown(grace: .zero)
    }

    @Test func `a flow to an endpoint that is gone moves to another one`() async throws {
        let backends = [try DatagramServer(), try DatagramServer()]
        let key = try freeKey(.udp)
        _ = await relays.apply([.set(key, frontend(to: [backends[0].address], transport: .udp), replacing: nil)])
        let socket = try BlockingSocket(key.address, datagrams: true)
        try socket.send("x")
        #expect(try socket.receive() == "x")
        _ = await relays.apply([
            .set(
                key, frontend(to: [backends[1].address], transport: .udp),
                replacing: frontend(to: [backends[0].address], transport: .udp))
        ])
        try socket.send("y")
        #expect(try socket.receive() == "y")
        #expect(backends[1].received == 1)
        await relays.shutDown(grace: .zero)
    }

    @Test func `draining refuses new connections at once and lets established ones finish`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        #expect(try socket.exchange("one") == "a one")
        async let drained: Void = relays.shutDown(grace: .seconds(60))
        while (try? BlockingSocket(key.address)) != nil { try await Task.sleep(for: .milliseconds(5)) }
        // Those that were taken in before end with their clients.
        while relays.counters.openConnections > 1 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try socket.exchange("two") == "a two")
        #expect(relays.counters.openConnections == 1)
        try socket.finishSending()
        #expect(try socket.receiveAll().isEmpty)
        // Ends long before its limit, since nothing is left to wait for.
        await drained
        #expect(relays.counters.openConnections == 0)
    }

    @Test func `a connection that the kernel took before the drain is served`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        // The loops are busy, so that the connection waits in the kernel's queue when the drain begins.
        let gate = DispatchSemaphore(value: 0)
        for loop in loops { loop.execute { gate.wait() } }
        let socket = try BlockingSocket(key.address)
        async let drained: Void = relays.shutDown(grace: .seconds(60))
        for _ in 0..<1000 { await Task.yield() }
        for _ in loops { gate.signal() }
        #expect(try socket.exchange("one") == "a one")
        try socket.finishSending()
        _ = try socket.receiveAll()
        await drained
    }

    @Test func `what does not finish within the grace is reset`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        #expect(try socket.exchange("one") == "a one")
        await relays.shutDown(grace: .milliseconds(50))
        #expect(throws: BlockingSocket.Failure(number: ECONNRESET)) { try socket.receive() }
        #expect(relays.counters.openConnections == 0)
    }

    @Test func `a client's reset ends the pair although the backend reads nothing`() async throws {
        let backend = try DeafServer()
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        // More than the buffers on the way hold: the relay has bytes that the backend does not take.
        try socket.sendUntilFull()
        #expect(relays.counters.openConnections == 1)
        socket.reset()
        while relays.counters.openConnections > 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try backend.nextReset())
        await relays.shutDown(grace: .zero)
    }

    @Test func `both sides of a relayed connection are watched for peers that vanish`() async throws {
        let backend = try DeafServer()
        let key = try freeKey()
        _ = await relays.apply([.set(key, frontend(to: [backend.address]), replacing: nil)])
        let socket = try BlockingSocket(key.address)
        try socket.send("x")
        try backend.waitForConnection()
        // Another timer runs while a byte is unacknowledged.
        func watched() throws -> Int {
            try TCPSocketTable.current().filter { socket in
                (socket.remote == backend.address || socket.local == key.address) && socket.isEstablished
                    && socket.hasKeepaliveTimer
            }.count
        }
        while try watched() < 2 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try watched() == 2)
        await relays.shutDown(grace: .zero)
    }

    @Test func `a new client is served when all flows are taken`() async throws {
        let relays = ServiceRelayGroup(loops: loops, flowLimit: 4)
        let backend = try DatagramServer()
        let key = try freeKey(.udp)
        _ = await relays.apply([.set(key, frontend(to: [backend.address], transport: .udp), replacing: nil)])
        let sockets = try (0..<10).map { _ in try BlockingSocket(key.address, datagrams: true) }
        for (index, socket) in sockets.enumerated() {
            try socket.send("\(index)")
            #expect(try socket.receive() == "\(index)")
        }
        #expect(relays.counters.openFlows == 4)
        #expect(relays.counters.evictedFlows == 6)
        await relays.shutDown(grace: .zero)
    }
}
