import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Connections to endpoints are encrypted") struct UpstreamTLSTests {
    /// A front in the clear, and an engine with TLS before a ``FakeUpstream`` behind it.
    private struct Chain {
        let upstream = FakeUpstream()
        let back: EngineHarness
        let front: EngineHarness
        let problems: [ProxyProblem]

        init(
            _ authority: CertificateAuthority, version: ProxyConfiguration.Upstream.HTTPVersion, _ tls: UpstreamTLS
        ) throws {
            var behind = EngineHarness.toAll([upstream.address])
            behind.listeners = [EngineHarness.secureListener]
            behind.certificates = [try UpstreamTLSTests.certificate(authority, name: "backend.example")]
            back = try EngineHarness(behind)
            front = try EngineHarness(ProxyConfiguration())
            var configuration = EngineHarness.toAll([
                SocketAddress(ip: .loopbackV4, port: Port(back.securePort))
            ])
            configuration.upstreams[0].version = version
            configuration.upstreams[0].tls = tls
            problems = front.engine.apply(configuration)
        }

        func stop() async {
            await front.stop()
            await back.stop()
            upstream.stop()
        }
    }

    static func certificate(
        _ authority: CertificateAuthority, name: String
    ) throws -> ProxyConfiguration.ServerCertificate {
        let issued = try authority.issueServer(dnsNames: [name])
        return .init(
            hosts: ["*.example", "a.example", name], certificateChainPEM: issued.certificatePEM,
            privateKeyPEM: issued.keyPEM)
    }

    @Test(arguments: [ProxyConfiguration.Upstream.HTTPVersion.http1, .http2])
    func `requests go over one connection, whatever its records say between them`(
        version: ProxyConfiguration.Upstream.HTTPVersion
    ) async throws {
        let chain = try Chain(try CertificateAuthority.create(commonName: "test"), version: version, UpstreamTLS())
        #expect(chain.problems == [])
        let socket = chain.front.connect()
        for path in ["/length/200000", "/chunked/200000", "/length/10"] {
            socket.send("GET \(path) HTTP/1.1\r\nHost: a.example\r\n\r\n")
            let count = path == "/length/10" ? 10 : 200_000
            #expect((socket.readResponse()?.body == FakeUpstream.pattern(count)) as Bool, "\(path)")
        }
        socket.send("POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nhello")
        let echo = socket.readResponse()?.text ?? ""
        #expect(echo.hasSuffix("\n\nhello"))
        #expect(echo.contains("X-Forwarded-Proto: https"))
        let counters = await chain.front.counters { $0.statuses[200] == 4 }
        #expect(counters.upstreamConnectionsCreated == 1)
        await chain.stop()
    }

    @Test(arguments: [ProxyConfiguration.Upstream.HTTPVersion.http1, .http2])
    func `only an endpoint with the right certificate is believed`(
        version: ProxyConfiguration.Upstream.HTTPVersion
    ) async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let stranger = try CertificateAuthority.create(commonName: "stranger")
        for (name, trusted, status) in [
            ("backend.example", authority, "200"), ("other.example", authority, "502"),
            ("backend.example", stranger, "502"),
        ] {
            let chain = try Chain(
                authority, version: version,
                UpstreamTLS(serverName: name, verification: .authorities(pem: trusted.certificatePEM)))
            #expect(chain.front.get("/length/10")?.startLine.split(separator: " ")[1] == Substring(status), "\(name)")
            await chain.stop()
        }
    }

    @Test func `what cannot be verified is not connected to, and told`() async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        for tls in [
            UpstreamTLS(verification: .system),
            UpstreamTLS(serverName: "backend.example", verification: .authorities(pem: Array("nothing".utf8))),
        ] {
            let chain = try Chain(authority, version: .http1, tls)
            #expect(chain.problems.map(\.subject) == [.upstream("all")])
            #expect(chain.front.get("/length/10")?.startLine.hasPrefix("HTTP/1.1 502") == true)
            #expect(chain.upstream.requests.isEmpty)
            await chain.stop()
        }
    }

    @Test func `what cannot be set up is told of every upstream that wants it, each time`() async throws {
        let harness = try EngineHarness(ProxyConfiguration())
        var configuration = EngineHarness.toAll([SocketAddress(ip: .loopbackV4, port: Port(9))])
        configuration.upstreams[0].tls = UpstreamTLS(verification: .system)
        var second = configuration.upstreams[0]
        second.name = "second"
        configuration.upstreams.append(second)
        for _ in 0..<2 {
            #expect(
                harness.engine.apply(configuration).map(\.subject) == [.upstream("all"), .upstream("second")])
        }
        await harness.stop()
    }

    /// TLS is chosen when a connection is begun: a configuration that comes before TCP connects does not change it.
    @Test func `connections that are being made outlive a change of what is wanted`() async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let chain = try Chain(authority, version: .http1, UpstreamTLS())
        var configuration = EngineHarness.toAll([SocketAddress(ip: .loopbackV4, port: Port(chain.back.securePort))])
        let clients = (0..<20).map { _ in chain.front.connect() }
        for (index, client) in clients.enumerated() {
            client.send("GET /length/10 HTTP/1.1\r\nHost: a.example\r\n\r\n")
            configuration.upstreams[0].tls = UpstreamTLS(serverName: "n\(index).example")
            chain.front.engine.apply(configuration)
        }
        for client in clients { #expect(client.readResponse()?.status == 200) }
        await chain.stop()
    }

    /// nginx in front of nothing, which says what it knows of a connection.
    private static func nginx(_ authority: CertificateAuthority, _ directives: String) throws -> NginxBackend {
        let issued = try authority.issueServer(dnsNames: ["backend.example"])
        return try NginxBackend(
            certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM, authorityPEM: authority.certificatePEM,
            directives: directives)
    }

    private static func front(_ port: UInt16, _ tls: UpstreamTLS...) throws -> EngineHarness {
        try EngineHarness(
            ProxyConfiguration(
                listeners: [EngineHarness.listener],
                hosts: tls.indices.map { index in
                    .init(
                        host: .exact("\(index).example"), routes: [.init(path: "/", match: .prefix, upstream: index)])
                },
                upstreams: tls.enumerated().map { index, tls in
                    .init(
                        name: "\(index)", endpoints: [SocketAddress(ip: .loopbackV4, port: Port(port))], tls: tls)
                }))
    }

    @Test func `nginx sees the certificate that is shown, by a connection of its own for each`() async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let nginx = try Self.nginx(
            authority,
            """
            ssl_protocols TLSv1.2 TLSv1.3;
            ssl_verify_client optional;
            location / { return 200 "$ssl_client_s_dn|$ssl_server_name|$ssl_protocol|$connection"; }
            """)
        func identity(_ name: String) throws -> UpstreamTLS {
            let issued = try authority.issueClient(commonName: name, organizations: [])
            return UpstreamTLS(certificateChainPEM: issued.certificatePEM, privateKeyPEM: issued.keyPEM)
        }
        var hidden = UpstreamTLS(
            serverName: "backend.example", sendsServerName: false,
            verification: .authorities(pem: authority.certificatePEM))
        hidden.policy.versions = .v12 ... .v12
        let named = UpstreamTLS(serverName: "backend.example")
        let front = try Self.front(nginx.port, try identity("one"), try identity("two"), named, hidden)
        for _ in 0..<2 {
            #expect(front.get("/", host: "0.example")?.text.hasPrefix("CN=one||TLSv1.3|") == true)
            #expect(front.get("/", host: "1.example")?.text.hasPrefix("CN=two||TLSv1.3|") == true)
            #expect(front.get("/", host: "2.example")?.text.hasPrefix("|backend.example|TLSv1.3|") == true)
            #expect(front.get("/", host: "3.example")?.text.hasPrefix("||TLSv1.2|") == true)
        }
        // All the same address, and yet one connection for each way to speak to it.
        let counters = await front.counters { $0.statuses[200] == 8 }
        #expect(counters.upstreamConnectionsCreated == 4)
        await front.stop()
        nginx.stop()
    }

    @Test func `nginx that wants a certificate gets a request only with the right one`() async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let stranger = try CertificateAuthority.create(commonName: "stranger")
        let nginx = try Self.nginx(authority, "ssl_verify_client on; location / { return 200 in; }")
        let good = try authority.issueClient(commonName: "one", organizations: [])
        let bad = try stranger.issueClient(commonName: "one", organizations: [])
        let front = try Self.front(
            nginx.port,
            UpstreamTLS(certificateChainPEM: good.certificatePEM, privateKeyPEM: good.keyPEM),
            UpstreamTLS(certificateChainPEM: bad.certificatePEM, privateKeyPEM: bad.keyPEM), UpstreamTLS())
        #expect(front.get("/", host: "0.example")?.text == "in")
        #expect(front.get("/", host: "1.example")?.status == 400)
        #expect(front.get("/", host: "2.example")?.status == 400)
        await front.stop()
        nginx.stop()
    }

    @Test func `versions and ciphers are those that are wanted`() async throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let nginx = try Self.nginx(authority, "ssl_protocols TLSv1.2; location / { return 200 in; }")
        var fine = UpstreamTLS(
            serverName: "backend.example", verification: .authorities(pem: authority.certificatePEM))
        fine.policy = TLSPolicy(versions: .v12 ... .v12, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", depth: 0)
        var newer = fine
        newer.policy = TLSPolicy(versions: .v13 ... .v13)
        var unknown = fine
        unknown.policy = TLSPolicy(ciphers: "NO-SUCH-CIPHER")
        let front = try Self.front(nginx.port, fine, newer)
        #expect(front.get("/", host: "0.example")?.text == "in")
        #expect(front.get("/", host: "1.example")?.status == 502)
        #expect(TLSPolicy.knowsCiphers("ECDHE+AESGCM") && !TLSPolicy.knowsCiphers("NO-SUCH-CIPHER"))
        var configuration = EngineHarness.toAll([SocketAddress(ip: .loopbackV4, port: Port(nginx.port))])
        configuration.upstreams[0].tls = unknown
        #expect(front.engine.apply(configuration).map(\.subject) == [.upstream("all")])
        #expect(front.get("/", host: "0.example")?.status == 502)
        await front.stop()
        nginx.stop()
    }

    @Test func `an endpoint that speaks plain HTTP is not taken for one with TLS`() async throws {
        let upstream = FakeUpstream(raw: { socket in
            _ = socket.read(1)
            socket.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
            _ = socket.readToEnd()
        })
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.upstreams[0].tls = UpstreamTLS()
        let harness = try EngineHarness(configuration)
        #expect(harness.get("/length/10")?.startLine.hasPrefix("HTTP/1.1 502") == true)
        await harness.stop()
        upstream.stop()
    }
}
