import NetworkTypes
import System
import Testing

@testable import Transport

@Suite("TLS on sockets") struct TLSTests {
    /// An authority and a server certificate for localhost in files that curl reads.
    private struct Fixture {
        let directory: TemporaryDirectory
        let authority: CertificateAuthority
        let identity: TLSIdentity

        var authorityFile: String { directory.file("ca.crt") }

        init(names: [String] = ["localhost"]) throws {
            directory = try TemporaryDirectory()
            authority = try .create(commonName: "test authority")
            try FileBytes.replace(directory.file("ca.crt"), with: authority.certificatePEM, mode: 0o644)
            identity = try Self.identity(authority, names)
        }

        static func identity(_ authority: CertificateAuthority, _ names: [String]) throws -> TLSIdentity {
            let credentials = try authority.issueServer(dnsNames: names, addresses: [.loopbackV4, .loopbackV6])
            return try TLSIdentity(certificatePEM: credentials.certificatePEM, keyPEM: credentials.keyPEM)
        }

        func writeClient(_ name: String, from authority: CertificateAuthority) throws {
            let client = try authority.issueClient(commonName: "jane", organizations: ["a", "b"])
            try FileBytes.replace(directory.file(name + ".crt"), with: client.certificatePEM, mode: 0o644)
            try FileBytes.replace(directory.file(name + ".key"), with: client.keyPEM, mode: 0o600)
        }
    }

    private func curl(_ server: TestServer, _ path: String, _ arguments: [String]) async throws -> (Int32, String) {
        let result = try await run("curl", ["-s", "--max-time", "10"] + arguments + [url(server, path)])
        return (result.status, result.output)
    }

    private func url(_ server: TestServer, _ path: String) -> String { "https://localhost:\(server.port)\(path)" }

    @Test(arguments: [("--tls-max", "1.2"), ("--tlsv1.3", "--tls13-ciphers")])
    func `serves TLS 1.2 and 1.3`(option: String, value: String) async throws {
        let fixture = try Fixture()
        let tls = try TLSContext(server: TLSCertificates(fallback: fixture.identity))
        let server = try TestServer(configuration: HTTPServerConfiguration(tls: tls))
        let arguments = option == "--tls-max" ? [option, value] : [option, value, "TLS_AES_128_GCM_SHA256"]
        let (status, output) = try await curl(
            server, "/peer", ["--http1.1", "--cacert", fixture.authorityFile] + arguments)
        #expect(status == 0)
        #expect(output == "unix=false tls=true cn=- o=- v=http11")
        await server.stop()
    }

    @Test func `refuses TLS 1_1 and survives broken handshakes`() async throws {
        let fixture = try Fixture()
        let tls = try TLSContext(server: TLSCertificates(fallback: fixture.identity))
        let server = try TestServer(configuration: HTTPServerConfiguration(tls: tls))
        let (old, _) = try await curl(server, "/hello", ["-k", "--tls-max", "1.1"])
        #expect(old != 0)
        let plain = try RawClient(port: server.port)
        plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(
            plain.readToEnd()
                == "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
        let (untrusting, _) = try await curl(server, "/hello", [])
        #expect(untrusting == 60)
        let (status, output) = try await curl(server, "/hello", ["--cacert", fixture.authorityFile])
        #expect(status == 0)
        #expect(output == "hello\n")
        await server.stop()
    }

    @Test func `gives a verified client certificate's subject, and none for another authority's`() async throws {
        let fixture = try Fixture()
        let stranger = try CertificateAuthority.create(commonName: "stranger")
        try fixture.writeClient("good", from: fixture.authority)
        try fixture.writeClient("bad", from: stranger)
        let tls = try TLSContext(
            server: TLSCertificates(fallback: fixture.identity),
            clientVerification: .init(authoritiesPEM: fixture.authority.certificatePEM))
        let server = try TestServer(configuration: HTTPServerConfiguration(tls: tls))
        for (name, subject) in [("good", "cn=jane o=a,b"), ("bad", "cn=- o=-")] {
            let (status, output) = try await curl(
                server, "/peer",
                [
                    "--http1.1", "--cacert", fixture.authorityFile, "--cert", fixture.directory.file(name + ".crt"),
                    "--key", fixture.directory.file(name + ".key"),
                ])
            #expect(status == 0)
            #expect(output == "unix=false tls=true \(subject) v=http11")
        }
        await server.stop()
    }

    @Test func `chooses the certificate by name, and changes it without a restart`() async throws {
        let fixture = try Fixture(names: ["fallback.example"])
        let shop = try Fixture.identity(fixture.authority, ["shop.example"])
        let wild = try Fixture.identity(fixture.authority, ["*.wild.example"])
        #expect(wild.dnsNames == ["*.wild.example"])
        let certificates = TLSCertificates(
            byName: ["shop.example": shop, "*.wild.example": wild], fallback: fixture.identity)
        let tls = try TLSContext(server: certificates)
        let server = try TestServer(configuration: HTTPServerConfiguration(tls: tls))
        func works(_ host: String) async throws -> Bool {
            let result = try await run(
                "curl",
                [
                    "-s", "--max-time", "10", "--cacert", fixture.authorityFile, "--resolve",
                    "\(host):\(server.port):127.0.0.1", "https://\(host):\(server.port)/hello",
                ])
            return result.status == 0 && result.output == "hello\n"
        }
        #expect(try await works("shop.example"))
        #expect(try await works("a.wild.example"))
        #expect(try await works("fallback.example"))
        #expect(try await !works("new.example"))
        let new = try Fixture.identity(fixture.authority, ["new.example"])
        tls.replaceCertificates(TLSCertificates(byName: ["new.example": new], fallback: nil))
        #expect(try await works("new.example"))
        #expect(try await !works("shop.example"))
        await server.stop()
    }

    @Test func `streams a large body over TLS`() async throws {
        let fixture = try Fixture()
        let tls = try TLSContext(server: TLSCertificates(fallback: fixture.identity))
        let server = try TestServer(configuration: HTTPServerConfiguration(tls: tls))
        let (status, output) = try await curl(
            server, "/big?7654321", ["--http1.1", "--cacert", fixture.authorityFile, "--limit-rate", "50M"])
        #expect(status == 0)
        #expect(output.utf8.count == 7_654_321)
        await server.stop()
    }

    @Test func `openssl finds nothing wrong with issued certificates`() async throws {
        let fixture = try Fixture()
        try fixture.writeClient("client", from: fixture.authority)
        let result = try await run(
            "openssl",
            [
                "verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", fixture.authorityFile,
                fixture.directory.file("client.crt"),
            ])
        #expect(result.status == 0, "\(result.output)")
    }

    @Test func `rejects keys and certificates that do not fit`() throws {
        let authority = try CertificateAuthority.create(commonName: "a")
        let first = try authority.issueServer(dnsNames: ["a"])
        let second = try authority.issueServer(dnsNames: ["b"])
        for (certificate, key) in [
            (first.certificatePEM, second.keyPEM), (Array("nonsense".utf8), first.keyPEM),
            (first.certificatePEM, Array("nonsense".utf8)), (Array(first.certificatePEM.dropLast(40)), first.keyPEM),
        ] {
            let error = #expect(throws: TransportError.self) {
                try TLSIdentity(certificatePEM: certificate, keyPEM: key)
            }
            #expect(error?.code == .certificate)
        }
        #expect(throws: TransportError.self) { try authority.issueServer(dnsNames: ["a,IP:1.2.3.4"]) }
    }
}
