import Glibc
import KubeModel
import NetworkTypes
import Synchronization
import Testing
import TrafficModel
import Transport

@testable import DataPlane

/// Enforcers as their users see them: what every one of them has to do with the same batches.
///
/// Addresses are in 127.0.0.0/8, so that enforcers that make real sockets can take part; what clients and backends are
/// is each bench's own affair.
protocol EnforcerBench: Sendable {
    var enforcer: any ServiceEnforcer { get }
    /// Starts a backend of this name and returns where it is.
    func backend(_ name: String, _ transport: TransportProtocol) throws -> SocketAddress
    /// A client of the address.
    func client(of address: SocketAddress, _ transport: TransportProtocol) throws -> any EnforcerClient
    /// Makes an address unavailable for the enforcer, until what is returned is called.
    func occupy(_ key: FrontendKey) throws -> @Sendable () -> Void
}

protocol EnforcerClient {
    /// The name of the backend that answers; nil for nobody.
    func ask() -> String?
}

@Suite("Every enforcer does what a batch says")
struct ServiceEnforcerTests {
    static let benches: [@Sendable () throws -> any EnforcerBench] = [
        { SimulatedBench() }, { try UserspaceBench() },
    ]

    private static let node = NodeIdentity(name: "node-1", nodePortAddresses: [])
    private let web = NamespacedName(namespace: "default", name: "web")

    private func service(
        _ name: String = "web", at address: SocketAddress, to endpoints: [SocketAddress],
        _ transport: TransportProtocol = .tcp
    ) -> ServiceEntry {
        ServiceEntry(
            key: NamespacedName(namespace: "default", name: name), clusterIPs: [address.ip],
            ports: [
                ServicePortEntry(
                    transport: transport, port: address.port, endpoints: endpoints.map { ServiceEndpoint(address: $0) })
            ])
    }

    private func freeAddress(_ transport: TransportProtocol = .tcp) throws -> SocketAddress {
        let any = SocketAddress("127.98.7.1:0")!
        let descriptor = transport == .tcp ? try Socket.listen(any) : try Socket.bindUDP(any)
        defer { Socket.close(descriptor) }
        return try #require(Socket.localAddress(descriptor))
    }

    private func enforce(
        _ bench: any EnforcerBench, _ before: ServiceEntry?, _ after: ServiceEntry?,
        extent: EnforcementBatch.Extent = .changes
    ) async throws -> EnforcementReport {
        let key = try #require(before?.key ?? after?.key)
        return await bench.enforcer.enforce(
            EnforcementBatch([ServiceChange(key: key, before: before, after: after)], extent: extent, on: Self.node))
    }

    @Test(arguments: benches)
    func `endpoints come, change and go`(make: @Sendable () throws -> any EnforcerBench) async throws {
        let bench = try make()
        let (a, b) = (try bench.backend("a", .tcp), try bench.backend("b", .tcp))
        let address = try freeAddress()
        func ask() throws -> String? { try bench.client(of: address, .tcp).ask() }
        #expect(try ask() == nil)

        let first = service(at: address, to: [a])
        let report = try await enforce(bench, nil, first)
        #expect(report == EnforcementReport(problems: [web: []], servedCount: 1))
        #expect(try ask() == "a")

        let both = service(at: address, to: [a, b])
        _ = try await enforce(bench, first, both)
        #expect(Set([try ask(), try ask()]) == ["a", "b"])

        let second = service(at: address, to: [b])
        _ = try await enforce(bench, both, second)
        #expect(try ask() == "b")

        let none = service(at: address, to: [])
        #expect(try await enforce(bench, second, none).problems == [web: []])
        #expect(try ask() == nil)

        _ = try await enforce(bench, none, first)
        #expect(try ask() == "a")
        #expect(try await enforce(bench, first, nil).problems.isEmpty)
        #expect(try ask() == nil)
        await bench.enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: benches)
    func `an address that two Services want moves when it is free`(
        make: @Sendable () throws -> any EnforcerBench
    ) async throws {
        let bench = try make()
        let address = try freeAddress()
        let holder = service("b", at: address, to: [try bench.backend("b", .tcp)])
        let waiting = service("a", at: address, to: [try bench.backend("a", .tcp)])
        _ = try await enforce(bench, nil, holder)
        let report = try await enforce(bench, nil, waiting)
        #expect(report.problems[waiting.key]?.map(\.reason) == [.conflict(winner: holder.key)])
        #expect(report.problems[holder.key] == [])
        #expect(try bench.client(of: address, .tcp).ask() == "b")

        let moved = try await enforce(bench, holder, nil)
        #expect(moved.problems == [waiting.key: []])
        #expect(try bench.client(of: address, .tcp).ask() == "a")
        await bench.enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: benches)
    func `what could not be done is reported, harms no other, and is done when asked again`(
        make: @Sendable () throws -> any EnforcerBench
    ) async throws {
        let bench = try make()
        let (taken, free) = (try freeAddress(), try freeAddress())
        let backend = try bench.backend("a", .tcp)
        let (unlucky, lucky) = (
            service("unlucky", at: taken, to: [backend]), service("lucky", at: free, to: [backend])
        )
        let release = try bench.occupy(FrontendKey(transport: .tcp, address: taken))
        let report = await bench.enforcer.enforce(
            EnforcementBatch(
                [
                    ServiceChange(key: lucky.key, before: nil, after: lucky),
                    ServiceChange(key: unlucky.key, before: nil, after: unlucky),
                ], on: Self.node))
        #expect(report.problems[lucky.key] == [])
        #expect(report.problems[unlucky.key]?.map(\.reason) == [.addressInUse])
        #expect(report.problems[unlucky.key]?.map(\.key.address) == [taken])
        #expect(report.servedCount == 1)
        #expect(try bench.client(of: free, .tcp).ask() == "a")

        release()
        let again = try await enforce(bench, unlucky, unlucky)
        #expect(again == EnforcementReport(problems: [unlucky.key: []], servedCount: 2))
        #expect(try bench.client(of: taken, .tcp).ask() == "a")
        await bench.enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: benches)
    func `clients outside of the source ranges are shut out, under older flows too`(
        make: @Sendable () throws -> any EnforcerBench
    ) async throws {
        let bench = try make()
        let address = try freeAddress(.udp)
        var open = service(at: address, to: [try bench.backend("a", .udp)], .udp)
        open.loadBalancerIPs = [address.ip]
        open.clusterIPs = []
        _ = try await enforce(bench, nil, open)
        let client = try bench.client(of: address, .udp)
        #expect(client.ask() == "a")
        var closed = open
        closed.loadBalancerSourceRanges = SourceRanges(spec: ["nonsense"], annotation: nil)
        _ = try await enforce(bench, open, closed)
        #expect(client.ask() == nil)
        await bench.enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: benches)
    func `a flow stays with its endpoint until that is gone`(
        make: @Sendable () throws -> any EnforcerBench
    ) async throws {
        let bench = try make()
        let (a, b) = (try bench.backend("a", .udp), try bench.backend("b", .udp))
        let address = try freeAddress(.udp)
        let first = service(at: address, to: [a], .udp)
        _ = try await enforce(bench, nil, first)
        let client = try bench.client(of: address, .udp)
        #expect(client.ask() == "a")
        let both = service(at: address, to: [a, b], .udp)
        _ = try await enforce(bench, first, both)
        #expect((0..<4).map { _ in client.ask() } == ["a", "a", "a", "a"])
        _ = try await enforce(bench, both, service(at: address, to: [b], .udp))
        #expect(client.ask() == "b")
        await bench.enforcer.shutDown(grace: .zero)
    }

    @Test(arguments: benches)
    func `everything anew changes nothing for clients`(make: @Sendable () throws -> any EnforcerBench) async throws {
        let bench = try make()
        let address = try freeAddress()
        let entry = service(at: address, to: [try bench.backend("a", .tcp)])
        _ = try await enforce(bench, nil, entry)
        let report = try await enforce(bench, entry, entry, extent: .everything)
        #expect(report == EnforcementReport(problems: [web: []], servedCount: 1))
        #expect(try bench.client(of: address, .tcp).ask() == "a")
        await bench.enforcer.shutDown(grace: .zero)
    }
}

// MARK: The simulation

private final class SimulatedBench: EnforcerBench {
    let simulation = SimulatedEnforcer()
    private let names = Mutex<[SocketAddress: String]>([:])

    var enforcer: any ServiceEnforcer { simulation }

    func backend(_ name: String, _ transport: TransportProtocol) -> SocketAddress {
        names.withLock { names in
            let address = SocketAddress(ip: IPAddress(v4: UInt32(0x0A00_0001 + names.count)), port: 80)
            names[address] = name
            return address
        }
    }

    func client(of address: SocketAddress, _ transport: TransportProtocol) -> any EnforcerClient {
        Client(bench: self, address: address, transport: transport)
    }

    func occupy(_ key: FrontendKey) -> @Sendable () -> Void {
        simulation.deny(key, .addressInUse)
        return { [simulation] in simulation.deny(key, nil) }
    }

    private struct Client: EnforcerClient {
        let bench: SimulatedBench
        let address: SocketAddress
        let transport: TransportProtocol

        func ask() -> String? {
            let packet = Packet(transport, from: SocketAddress("127.0.0.1:5000")!, to: address)
            guard case .delivered(let endpoint, _) = bench.simulation.fate(of: packet, at: .now) else { return nil }
            return bench.names.withLock { $0[endpoint] }
        }
    }
}

// MARK: User space, on real sockets

private final class UserspaceBench: EnforcerBench {
    let enforcer: any ServiceEnforcer
    private let servers = Mutex<[any Sendable]>([])

    init() throws { enforcer = UserspaceEnforcer(loops: try EventLoop.group(count: 2, name: "test")) }

    func backend(_ name: String, _ transport: TransportProtocol) throws -> SocketAddress {
        if transport == .udp {
            let server = try DatagramServer(name: name)
            servers.withLock { $0.append(server) }
            return server.address
        }
        let server = try LineServer(name: name)
        servers.withLock { $0.append(server) }
        return server.address
    }

    func client(of address: SocketAddress, _ transport: TransportProtocol) throws -> any EnforcerClient {
        transport == .udp
            ? DatagramClient(socket: try BlockingSocket(address, datagrams: true)) : StreamClient(address: address)
    }

    func occupy(_ key: FrontendKey) throws -> @Sendable () -> Void {
        let descriptor = try Socket.listen(key.address)
        return { Socket.close(descriptor) }
    }

    private struct StreamClient: EnforcerClient {
        let address: SocketAddress

        func ask() -> String? {
            // No answer is what a test may expect.
            (try? BlockingSocket(address).exchange("x"))?.split(separator: " ").first.map(String.init)
        }
    }

    private struct DatagramClient: EnforcerClient {
        let socket: BlockingSocket

        func ask() -> String? {
            do {
                try socket.send("x")
                return try socket.receive(within: .milliseconds(500)).split(separator: " ").first.map(String.init)
            } catch {
                return nil
            }
        }
    }
}
