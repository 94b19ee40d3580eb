import Glibc
import KubeModel
import NetworkTypes
import Testing
import TrafficModel
import Transport

@testable import DataPlane

/// Real sockets on loopback.
@Suite("The userspace proxy") struct UserspaceServiceProxyTests {
    private let loops: [EventLoop]
    private let proxy: UserspaceServiceProxy

    init() throws {
        loops = try EventLoop.group(count: 2, name: "test")
        proxy = UserspaceServiceProxy(loops: loops)
    }

    private func listener(
        to endpoints: [SocketAddress], transport: TransportProtocol = .tcp, affinity: Int? = nil,
        sources: [CIDR] = []
    ) -> ServiceListener {
        let id = ServicePortID(
            service: NamespacedName(namespace: "default", name: "web"), port: 80, transport: transport)
        return ServiceListener(
            role: .clusterIP, backend: ServiceBackendID(port: id, family: .v4, policy: .cluster), endpoints: endpoints,
            affinitySeconds: affinity, sourceRanges: SourceRanges(sources))
    }

    /// An address of 127.0.0.0/8 with a port that is free at this moment.
    private func freeKey(_ transport: TransportProtocol = .tcp) throws -> ServiceListenerKey {
        let any = SocketAddress("127.0.0.1:0")!
        let descriptor = transport == .tcp ? try Socket.listen(any) : try Socket.bindUDP(any)
        defer { Socket.close(descriptor) }
        let address = try #require(Socket.localAddress(descriptor))
        return ServiceListenerKey(
            transport: transport, address: SocketAddress(ip: IPAddress("127.96.1.1")!, port: address.port))
    }

    @Test func `bytes pass both ways and endpoints take turns`() async throws {
        let backends = [try LineServer(name: "a"), try LineServer(name: "b")]
        let key = try freeKey()
        #expect(await proxy.apply([.open(key, listener(to: backends.map(\.address)))]).isEmpty)
        var answers: Set<String> = []
        for _ in 0..<4 { answers.insert(try BlockingSocket(key.address).exchange("hello")) }
        #expect(answers == ["a hello", "b hello"])
        await proxy.shutDown()
    }

    @Test func `a large body arrives whole through a slow reader`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await proxy.apply([.open(key, listener(to: [backend.address]))])
        let socket = try BlockingSocket(key.address)
        try socket.send("bytes 8000000\n")
        usleep(200_000)
        #expect(try socket.receiveAll().count == 8_000_000)
        await proxy.shutDown()
    }

    @Test func `an endpoint that refuses is passed over`() async throws {
        let backend = try LineServer(name: "a")
        let dead = try freeKey().address
        let key = try freeKey()
        _ = await proxy.apply([.open(key, listener(to: [dead, backend.address]))])
        for _ in 0..<4 { #expect(try BlockingSocket(key.address).exchange("x") == "a x") }
        await proxy.shutDown()
    }

    @Test func `closing an address refuses new connections and keeps established ones`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await proxy.apply([.open(key, listener(to: [backend.address]))])
        let socket = try BlockingSocket(key.address)
        #expect(try socket.exchange("one") == "a one")
        _ = await proxy.apply([.close(key)])
        #expect(throws: BlockingSocket.Failure.self) { try BlockingSocket(key.address) }
        #expect(try socket.exchange("two") == "a two")
        await proxy.shutDown()
    }

    @Test func `session affinity sends a client to one endpoint`() async throws {
        let backends = [try LineServer(name: "a"), try LineServer(name: "b")]
        let key = try freeKey()
        _ = await proxy.apply([.open(key, listener(to: backends.map(\.address), affinity: 60))])
        let answers = try (0..<6).map { _ in try BlockingSocket(key.address).exchange("x") }
        #expect(Set(answers).count == 1)
        await proxy.shutDown()
    }

    @Test func `a client outside of the source ranges is turned away`() async throws {
        let backend = try LineServer(name: "a")
        let key = try freeKey()
        _ = await proxy.apply([
            .open(key, listener(to: [backend.address], sources: [CIDR("192.0.2.0/24")!]))
        ])
        #expect(throws: BlockingSocket.Failure.self) { try BlockingSocket(key.address).exchange("x") }
        #expect(proxy.counters.refused == 1)
        await proxy.shutDown()
    }

    @Test func `an address that is taken is reported`() async throws {
        let key = try freeKey()
        let taken = try Socket.listen(key.address)
        defer { Socket.close(taken) }
        let failures = await proxy.apply([.open(key, listener(to: [key.address]))])
        #expect(failures.map(\.key) == [key])
        #expect(failures.first?.error.code == .addressInUse)
        await proxy.shutDown()
    }

    @Test func `datagrams of any length find their way back to their sender`() async throws {
        let backend = try DatagramServer()
        let key = try freeKey(.udp)
        _ = await proxy.apply([.open(key, listener(to: [backend.address], transport: .udp))])
        let first = try BlockingSocket(key.address, datagrams: true)
        let second = try BlockingSocket(key.address, datagrams: true)
        for size in [1, 1400, 20_000] {
            let text = String(repeating: "x", count: size)
            try first.send(text + "1")
            try second.send(text + "2")
            #expect(try second.receive() == text + "2")
            #expect(try first.receive() == text + "1")
        }
        #expect(proxy.counters.openFlows == 2)
        await proxy.shutDown()
    }

    @Test func `a flow to an endpoint that is gone moves to another one`() async throws {
        let backends = [try DatagramServer(), try DatagramServer()]
        let key = try freeKey(.udp)
        _ = await proxy.apply([.open(key, listener(to: [backends[0].address], transport: .udp))])
        let socket = try BlockingSocket(key.address, datagrams: true)
        try socket.send("x")
        #expect(try socket.receive() == "x")
        _ = await proxy.apply([.update(key, listener(to: [backends[1].address], transport: .udp))])
        try socket.send("y")
        #expect(try socket.receive() == "y")
        #expect(backends[1].received == 1)
        await proxy.shutDown()
    }
}
