import DNS
import Glibc
import KubeClient
import KubeModel
import Logging
import NetworkTypes
import System
import TestSupport
import Testing
import TrafficModel
import Transport

@testable import DataPlane

@Suite("Names follow the API", .timeLimit(.minutes(2))) struct NamesFrontTests {
    private static let corefile = """
        . {
            kubernetes cluster.local {
                ttl 30
            }
            forward . 127.96.0.10
            whoami
        }
        """

    private let state = TrafficState()
    private let api = InMemoryAPI([
        Namespace.definition, ConfigMap.definition, Node.definition, Event.definition,
    ])

    private var client: APIClient { APIClient(transport: api) }

    private func setService(_ name: String, in namespace: String, on address: String) {
        let service = Service(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: ServiceSpec(
                type: "ClusterIP", clusterIP: address, clusterIPs: [address],
                ports: [ServicePort(name: "dns", port: 53)]))
        state.setService(NamespacedName(service.metadata), ServiceEntry(service))
    }

    /// The header and the last four bytes of the answer, where the only record's address is, and those of its TTL.
    private func ask(_ server: SocketAddress, _ name: String) throws -> (
        header: MessageHeader, ttl: UInt8, data: [UInt8]
    ) {
        let question = try DomainName(name).wire
        let query: [UInt8] = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0] + question + [0, 1, 0, 1]
        let socket = try BlockingSocket(server, datagrams: true)
        try socket.send(query)
        let answer = try socket.receiveBytes()
        guard let header = MessageHeader(answer.span) else { throw BlockingSocket.Failure(number: EBADMSG) }
        return (header, answer.count > 10 ? answer[answer.count - 7] : 0, Array(answer.suffix(4)))
    }

    private func withFront(
        tally: NamesTally = NamesTally(), _ body: (NamesFront, SocketAddress) async throws -> Void
    ) async throws {
        let logger = Logger(label: "test")
        _ = try await client.create(
            ConfigMap(
                metadata: ObjectMeta(name: "coredns", namespace: "kube-system"), data: ["Corefile": Self.corefile]))
        let loops = try EventLoop.group(count: 1, name: "names")
        let server = NameServer(loops: loops)
        let address = try server.listen(SocketAddress(ip: .loopbackV4, port: 0))
        let informers = InformerSet(client: client, logger: logger)
        let configuration = NamesConfiguration(
            addresses: [address], domain: try DomainName("cluster.local"))
        let front = NamesFront(
            state: state, server: server, addresses: [address], client: client, informers: informers,
            configuration: configuration, ownAddresses: [.loopbackV4],
            host: HostResolver(.none, root: "/nonexistent", logger: logger), tally: tally, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await informers.run() }
            try await informers.waitForSync()
            try await body(front, address)
            group.cancelAll()
        }
        await server.stop()
        for loop in loops { loop.stop() }
    }

    @Test func `the first answers need no Event to be told, and have every name`() async throws {
        setService("web", in: "shop", on: "10.96.0.7")
        try await withFront { front, address in
            // From here on nothing that is sent to the API is answered.
            api.fallSilent()
            await front.publishFirst()
            let answer = try ask(address, "web.shop.svc.cluster.local")
            #expect(answer.header.code == 0 && answer.data == [10, 96, 0, 7] && answer.ttl == 30)
            api.speakAgain()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await front.run() }
                while !api.requests.contains(where: { $0.hasPrefix("POST") && $0.contains("/events") }) {
                    try await Task.sleep(for: .milliseconds(2))
                }
                group.cancelAll()
            }
        }
    }

    private func setCorefile(_ text: String) async throws {
        _ = try await client.patch(
            ConfigMap.self, "coredns", namespace: "kube-system", .merge(["data": ["Corefile": .string(text)]]))
    }

    @Test
    func `a Corefile without the plugin kubernetes takes the cluster's names away, and one with it gives them back`()
        async throws
    {
        setService("web", in: "shop", on: "10.96.0.7")
        let tally = NamesTally()
        try await withFront(tally: tally) { front, address in
            await front.publishFirst()
            let name = "web.shop.svc.cluster.local"
            #expect(try ask(address, name).data == [10, 96, 0, 7])
            #expect(tally.value.plugins.contains(EnabledPlugin(zone: .root, name: "kubernetes")))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await front.run() }
                try await setCorefile(". {\n hosts {\n 10.9.9.9 nine.example\n }\n}")
                while try ask(address, name).header.code != 2 { try await Task.sleep(for: .milliseconds(2)) }
                #expect(tally.value.plugins == [EnabledPlugin(zone: .root, name: "hosts")])
                try await setCorefile(". {\n errors\n}")
                while try ask(address, name).header.code != 5 { try await Task.sleep(for: .milliseconds(2)) }
                try await setCorefile(". {\n kubernetes other.local\n}")
                while try ask(address, "web.shop.svc.other.local").data != [10, 96, 0, 7] {
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(try ask(address, name).header.code == 5)
                group.cancelAll()
            }
        }
    }

    @Test func `how long a change took is told of headless Services whose slices say when it began`() async throws {
        let tally = NamesTally()
        let key = NamespacedName(namespace: "shop", name: "all")
        state.setService(key, ServiceEntry(key: key, form: .headless))
        func setSlice(_ address: String, trigger: Int64?) {
            let slice = EndpointSlice(
                metadata: ObjectMeta(
                    name: "all-1", namespace: "shop", labels: [EndpointSliceEntry.serviceNameLabel: "all"]),
                addressType: "IPv4", endpoints: [Endpoint(addresses: [address])])
            state.setSlice(
                NamespacedName(namespace: "shop", name: "all-1"), EndpointSliceEntry(slice), trigger: trigger)
        }
        setSlice("10.0.0.1", trigger: 5)
        try await withFront(tally: tally) { front, address in
            await front.publishFirst()
            // What was there before it began is no measure of it.
            #expect(tally.value.programming.total == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await front.run() }
                setSlice("10.0.0.2", trigger: nil)
                while try ask(address, "all.shop.svc.cluster.local").data != [10, 0, 0, 2] {
                    try await Task.sleep(for: .milliseconds(2))
                }
                #expect(tally.value.programming.total == 0)
                setSlice("10.0.0.3", trigger: SystemClock.microsecondsSinceEpoch - 3_000_000)
                while tally.value.programming.total == 0 { try await Task.sleep(for: .milliseconds(2)) }
                #expect(try ask(address, "all.shop.svc.cluster.local").data == [10, 0, 0, 3])
                #expect(tally.value.programming.total == 1)
                group.cancelAll()
            }
        }
    }

    @Test func `an upstream server that becomes this one is not asked from then on`() async throws {
        try await withFront { front, address in
            await front.publishFirst()
            #expect(try ask(address, "example.com").header.code != 5)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await front.run() }
                setService("kube-dns", in: "kube-system", on: "127.96.0.10")
                // Refused, where it would be a failure to ask.
                while try ask(address, "example.com").header.code != 5 {
                    try await Task.sleep(for: .milliseconds(2))
                }
                group.cancelAll()
            }
        }
    }

    @Test func `where a further address is taken, another port is opened and the reason said`() async throws {
        let own = try #require(IPAddress(OwnLoopback.address))
        let taken = try Socket.listen(SocketAddress(ip: own, port: 0))
        defer { Socket.close(taken) }
        let wanted = try #require(Socket.localAddress(taken))
        let loops = try EventLoop.group(count: 1, name: "names")
        let log = HeardLog()
        let configuration = NamesConfiguration(
            addresses: [SocketAddress(ip: .loopbackV4, port: 0)], furtherAddresses: [wanted],
            domain: try DomainName("cluster.local"))
        let names = try #require(try DataPlane.openNames(configuration, loops, 64, nil, log.logger))
        let other = try #require(names.addresses.last)
        #expect(names.addresses.count == 2 && other.ip == own && other.port != wanted.port)
        #expect(
            log.lines.contains { $0.hasPrefix("notice DNS on \(other) in the place of \(wanted): ") }, "\(log.lines)")
        await names.server.stop()
        for loop in loops { loop.stop() }
    }
}
