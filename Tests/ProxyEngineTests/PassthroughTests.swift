import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("TLS connections that are passed through by name") struct PassthroughTests {
    /// A front that ends TLS for `own.example` and `served.wild.example`, and passes on that for `through.example` and
    /// `*.wild.example` to an engine with another certificate.
    private final class Chain {
        let upstream = FakeUpstream()
        let ours: CertificateAuthority
        let theirs: CertificateAuthority
        let back: EngineHarness
        let front: EngineHarness
        var configuration: ProxyConfiguration

        init() throws {
            ours = try CertificateAuthority.create(commonName: "ours")
            theirs = try CertificateAuthority.create(commonName: "theirs")
            var behind = EngineHarness.toAll([upstream.address])
            behind.listeners = [EngineHarness.secureListener]
            behind.certificates = [
                try Self.certificate(theirs, ["through.example", "a.wild.example", "served.wild.example"])
            ]
            back = try EngineHarness(behind)
            configuration = EngineHarness.toAll([upstream.address])
            configuration.listeners = [EngineHarness.listener, EngineHarness.secureListener]
            configuration.certificates = [
                try Self.certificate(ours, ["own.example", "through.example", "served.wild.example"])
            ]
            configuration.hosts.append(
                .init(
                    host: .exact("served.wild.example"), routes: [.init(path: "/", match: .prefix, upstream: 0)]))
            configuration.upstreams.append(
                .init(
                    name: "through", endpoints: [SocketAddress(ip: .loopbackV4, port: Port(back.securePort))]))
            configuration.passthroughs = [
                Passthrough(host: .exact("through.example"), upstream: 1),
                Passthrough(host: .wildcard("wild.example"), upstream: 1),
            ]
            front = try EngineHarness(configuration)
        }

        static func certificate(
            _ authority: CertificateAuthority, _ names: [String]
        ) throws -> ProxyConfiguration.ServerCertificate {
            let issued = try authority.issueServer(dnsNames: names)
            return .init(hosts: names, certificateChainPEM: issued.certificatePEM, privateKeyPEM: issued.keyPEM)
        }

        func client(_ name: String?, _ authority: CertificateAuthority) throws -> TLSClient {
            try TLSClient(front.securePort, name: name, trust: .authorities(pem: authority.certificatePEM))
        }

        func stop() async {
            await front.stop()
            await back.stop()
            upstream.stop()
        }
    }

    @Test func `they end where their name belongs, others here`() async throws {
        let chain = try Chain()
        for (name, isOurs) in [
            ("own.example", true), ("through.example", false), ("THROUGH.example", false), ("a.wild.example", false),
            ("served.wild.example", true),
        ] {
            let client = try chain.client(name, isOurs ? chain.ours : chain.theirs)
            #expect(client.failure == nil, "\(name)")
            let body = client.get("/length/200000", host: name, length: 200_000)
            #expect((body == FakeUpstream.pattern(200_000)) as Bool, "\(name)")
            #expect(try chain.client(name, isOurs ? chain.theirs : chain.ours).failure != nil, "\(name)")
        }
        // Two labels are one too many, and the fallback certificate is nobody's.
        #expect(try chain.client("a.b.wild.example", chain.theirs).failure != nil)
        let counters = await chain.front.counters { $0.upstreams["through"]?.traffic.requests == 6 }
        #expect((counters.upstreams["through"]?.traffic.bytesDown ?? 0) > 600_000)
        await chain.stop()
    }

    @Test func `a client may say its name slowly`() async throws {
        let chain = try Chain()
        let hello = try ClientHelloTests.real("through.example")
        let socket = TestSocket(connectingTo: chain.front.securePort)
        for byte in hello { socket.send([byte]) }
        // Handshake, ServerHello.
        let answer = socket.read(6)
        #expect(answer.first == 22 && answer.last == 2)
        let counters = await chain.back.counters { $0.connectionsAccepted == 1 }
        #expect(counters.connectionsAccepted == 1)
        socket.close()
        // Half a name, and the end.
        let half = TestSocket(connectingTo: chain.front.securePort)
        half.send(Array(hello.prefix(100)))
        half.closeSending()
        #expect(half.readToEnd().isEmpty)
        await chain.stop()
    }

    @Test func `an endpoint that takes none is passed over, and nothing is said where none does`() async throws {
        let chain = try Chain()
        let nobody = SocketAddress(ip: IPAddress("127.0.59.7")!, port: Port(chain.back.securePort))
        chain.configuration.upstreams[1].endpoints.insert(nobody, at: 0)
        #expect(chain.front.engine.apply(chain.configuration) == [])
        for _ in 0..<4 {
            let client = try chain.client("through.example", chain.theirs)
            #expect(client.get("/length/10", host: "through.example", length: 10) == FakeUpstream.pattern(10))
        }
        for endpoints in [[nobody], []] {
            chain.configuration.upstreams[1].endpoints = endpoints
            #expect(chain.front.engine.apply(chain.configuration) == [])
            let socket = TestSocket(connectingTo: chain.front.securePort)
            socket.send(try ClientHelloTests.real("through.example"))
            #expect(socket.readToEnd().isEmpty)
        }
        await chain.stop()
    }

    @Test func `only the addresses that may come are passed on`() async throws {
        let chain = try Chain()
        chain.configuration.passthroughs[0].sources = SourceRule(
            allowed: AddressSet([try #require(CIDR("192.0.2.0/24"))]))
        #expect(chain.front.engine.apply(chain.configuration) == [])
        let socket = TestSocket(connectingTo: chain.front.securePort)
        socket.send(try ClientHelloTests.real("through.example"))
        #expect(socket.readToEnd().isEmpty)
        #expect(try chain.client("a.wild.example", chain.theirs).failure == nil)
        let counters = await chain.back.counters { $0.connectionsAccepted == 1 }
        #expect(counters.connectionsAccepted == 1)
        await chain.stop()
    }

    @Test func `a connection outlives a change of where others go`() async throws {
        let chain = try Chain()
        let client = try chain.client("through.example", chain.theirs)
        #expect(client.get("/length/10", host: "through.example", length: 10) == FakeUpstream.pattern(10))
        chain.configuration.passthroughs = []
        #expect(chain.front.engine.apply(chain.configuration) == [])
        #expect(client.get("/length/10", host: "through.example", length: 10) == FakeUpstream.pattern(10))
        #expect(try chain.client("through.example", chain.ours).failure == nil)
        await chain.stop()
    }
}
