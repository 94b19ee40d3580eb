import Foundation
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("Clients show certificates") struct ClientCertificateTests {
    /// A proxy in front of an echo, whose hosts ask their clients for certificates.
    private final class Guarded {
        let upstream = FakeUpstream()
        let harness: EngineHarness
        let directory: URL
        let problems: [ProxyProblem]

        /// - Parameter hosts: each with what it asks for, nil for nothing.
        init(_ hosts: [(String, ClientCertificatePolicy?)]) throws {
            directory = FileManager.default.temporaryDirectory.appending(path: "martlet-clients-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
            harness = try EngineHarness(ProxyConfiguration())
            problems = harness.engine.apply(Self.configuration(hosts, upstream))
        }

        func apply(_ hosts: [(String, ClientCertificatePolicy?)]) {
            harness.engine.apply(Self.configuration(hosts, upstream))
        }

        private static func configuration(
            _ hosts: [(String, ClientCertificatePolicy?)], _ upstream: FakeUpstream
        ) -> ProxyConfiguration {
            var policies: [ClientCertificatePolicy] = []
            let entries = hosts.map { name, policy in
                if let policy { policies.append(policy) }
                let index = policy == nil ? nil : policies.count - 1
                return ProxyConfiguration.VirtualHost(
                    host: HostPattern(name),
                    routes: [.init(path: "/", match: .prefix, upstream: 0, clientCertificates: index)],
                    clientCertificates: index)
            }
            return ProxyConfiguration(
                listeners: [EngineHarness.listener, EngineHarness.secureListener], hosts: entries,
                upstreams: [.init(name: "all", endpoints: [upstream.address])], clientCertificates: policies)
        }

        func stop() async {
            await harness.stop()
            upstream.stop()
            // What is left is in the directory for temporary files.
            try? FileManager.default.removeItem(at: directory)
        }

        func file(_ name: String, _ bytes: [UInt8]) throws -> String {
            let url = directory.appending(path: name)
            try Data(bytes).write(to: url)
            return url.path
        }

        /// curl's words for a client with a certificate.
        func identity(_ credentials: CertificateAuthority.Credentials?) throws -> [String] {
            guard let credentials else { return [] }
            let name = UUID().uuidString
            return [
                "--cert", try file(name + ".crt", credentials.certificatePEM), "--key",
                try file(name + ".key", credentials.keyPEM),
            ]
        }

        /// The head and the body that curl gets from a host.
        func curl(
            _ host: String, _ credentials: CertificateAuthority.Credentials? = nil, _ more: String...
        ) throws -> String {
            try CommandRun.output(
                ["curl", "-s", "-k", "-i", "--max-time", "20", "--resolve", "\(host):\(harness.securePort):127.0.0.1"]
                    + identity(credentials) + more + ["https://\(host):\(harness.securePort)/echo"])
        }

        /// What openssl says of a connection and of a request on it.
        func connect(_ name: String, host: String? = nil, _ more: [String]) throws -> String {
            try CommandRun.output(
                ["openssl", "s_client", "-connect", "127.0.0.1:\(harness.securePort)", "-servername", name, "-ign_eof"]
                    + more,
                input: "GET /echo HTTP/1.1\r\nHost: \(host ?? name)\r\nConnection: close\r\n\r\n")
        }
    }

    private static func policy(
        _ authority: CertificateAuthority, _ mode: ClientCertificatePolicy.Mode = .required,
        _ edit: (inout ClientCertificatePolicy) -> Void = { _ in }
    ) -> ClientCertificatePolicy {
        var policy = ClientCertificatePolicy(mode: mode, authoritiesPEM: authority.certificatePEM)
        edit(&policy)
        return policy
    }

    private static func status(_ text: String) -> String? {
        text.split(separator: "\r\n").first.flatMap { $0.split(separator: " ").dropFirst().first.map(String.init) }
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `a host lets in who shows a good certificate, and tells its backend who that is`(version: String)
        async throws
    {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let theirs = try CertificateAuthority.create(commonName: "theirs")
        let guarded = try Guarded([
            ("a.example", Self.policy(ours) { $0.passesCertificate = true }), ("open.example", nil),
        ])
        #expect(guarded.problems == [])
        let none = try guarded.curl("a.example", nil, version)
        #expect(Self.status(none) == "400" && none.contains("No required SSL certificate was sent"))
        let stranger = try theirs.issueClient(commonName: "one")
        let bad = try guarded.curl("a.example", stranger, version)
        #expect(Self.status(bad) == "400" && bad.contains("The SSL certificate error"))
        // Nor one that is for servers.
        #expect(
            Self.status(try guarded.curl("a.example", try ours.issueServer(dnsNames: ["a.example"]), version)) == "400")
        #expect(guarded.upstream.requests.isEmpty)
        let one = try ours.issueClient(commonName: "one, \"two\"\nssl-client-verify: x", organizations: ["Ümlaut"])
        let forged = [
            "ssl-client-verify: FORGED", "SSL-Client-Cert: FORGED", "ssl-client-subject-dn: FORGED",
            "ssl-client-issuer-dn: FORGED",
        ]
        .flatMap { ["-H", $0] }
        let good = try CommandRun.output(
            ["curl", "-s", "-k", "-i", version, "--resolve", "a.example:\(guarded.harness.securePort):127.0.0.1"]
                + guarded.identity(one) + forged + ["https://a.example:\(guarded.harness.securePort)/echo"])
        #expect(Self.status(good) == "200", "\(good)")
        #expect(good.contains("ssl-client-verify: SUCCESS\n"))
        #expect(good.contains(#"CN=one\, \"two\"\0Assl-client-verify: x"#), "\(good)")
        #expect(good.contains("ssl-client-issuer-dn: CN=ours\n"))
        #expect(!good.contains("FORGED"))
        let escaped = String(decoding: one.certificatePEM, as: UTF8.self).addingPercentEncoding(
            withAllowedCharacters: CharacterSet(charactersIn: "-._~").union(.init(charactersIn: "a"..."z")).union(
                .init(charactersIn: "A"..."Z")
            ).union(.init(charactersIn: "0"..."9")))
        #expect(good.contains("ssl-client-cert: \(escaped ?? "?")\n"))
        // Where nobody is asked nobody can pretend.
        let open = try CommandRun.output(
            ["curl", "-s", "-k", "-i", version, "--resolve", "open.example:\(guarded.harness.securePort):127.0.0.1"]
                + forged + ["https://open.example:\(guarded.harness.securePort)/echo"])
        #expect(Self.status(open) == "200" && !open.contains("FORGED"))
        await guarded.stop()
    }

    @Test func `what is optional lets in more, and says what it saw`() async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let theirs = try CertificateAuthority.create(commonName: "theirs")
        let guarded = try Guarded([
            ("o.example", Self.policy(ours, .optional)), ("n.example", Self.policy(ours, .optionalNoCA)),
        ])
        let good = try ours.issueClient(commonName: "one")
        let stranger = try theirs.issueClient(commonName: "two")
        for host in ["o.example", "n.example"] {
            let none = try guarded.curl(host)
            #expect(Self.status(none) == "200" && none.contains("ssl-client-verify: NONE\n"))
            #expect(!none.contains("ssl-client-subject-dn"))
            let one = try guarded.curl(host, good)
            #expect(Self.status(one) == "200" && one.contains("ssl-client-verify: SUCCESS\n"))
            #expect(!one.contains("ssl-client-cert"))
        }
        #expect(Self.status(try guarded.curl("o.example", stranger)) == "400")
        let two = try guarded.curl("n.example", stranger)
        #expect(Self.status(two) == "200" && two.contains("ssl-client-verify: FAILED:unable to "), "\(two)")
        #expect(two.contains("ssl-client-subject-dn: CN=two\n"))
        // One that is known not to be good is not let in by that it is of nobody known, too.
        let server = try theirs.issueServer(dnsNames: ["x.example"])
        #expect(Self.status(try guarded.curl("n.example", server)) == "400")
        await guarded.stop()
    }

    @Test func `a subject that does not match, plain HTTP and an error page`() async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let guarded = try Guarded([
            ("m.example", Self.policy(ours) { $0.subjectPattern = "CN=(one|two)$" }),
            ("o.example", Self.policy(ours, .optional) { $0.subjectPattern = "CN=one" }),
            ("e.example", Self.policy(ours) { $0.errorPage = "https://help.example/?why=cert" }),
        ])
        #expect(Self.status(try guarded.curl("m.example", try ours.issueClient(commonName: "one"))) == "200")
        #expect(Self.status(try guarded.curl("m.example", try ours.issueClient(commonName: "three"))) == "403")
        #expect(Self.status(try guarded.curl("m.example")) == "400")
        #expect(Self.status(try guarded.curl("o.example")) == "403")
        let sent = try guarded.curl("e.example")
        #expect(
            Self.status(sent) == "302" && sent.lowercased().contains("location: https://help.example/?why=cert\r\n"))
        let plain = guarded.harness.get("/echo", host: "m.example")
        #expect(plain?.status == 400 && plain?.text.contains("No required SSL certificate was sent") == true)
        #expect(guarded.harness.get("/echo", host: "o.example")?.status == 400)
        #expect(guarded.upstream.requests.count == 1)
        await guarded.stop()
    }

    @Test func `a connection serves hosts of its own trust alone`() async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let theirs = try CertificateAuthority.create(commonName: "theirs")
        let guarded = try Guarded([
            ("a.example", Self.policy(ours)), ("b.example", Self.policy(ours) { $0.subjectPattern = "CN=two" }),
            ("c.example", Self.policy(theirs, .optional)), ("*.w.example", Self.policy(ours)), ("open.w.example", nil),
            ("open.example", nil),
        ])
        let one = try guarded.identity(try ours.issueClient(commonName: "one"))
        let words = ["-cert", one[1], "-key", one[3]]
        for (name, host, status) in [
            ("a.example", "a.example", "200"), ("A.Example", "a.example", "200"), ("a.example", "b.example", "403"),
            ("a.example", "c.example", "421"), ("open.example", "a.example", "421"),
            ("a.example", "open.example", "200"),
            ("x.w.example", "y.w.example", "200"), ("open.w.example", "y.w.example", "421"),
            ("unknown.example", "c.example", "421"), ("c.example", "c.example", "400"),
        ] {
            let answer = try guarded.connect(name, host: host, words)
            #expect(answer.contains("HTTP/1.1 \(status) "), "\(name) \(host): \(answer)")
        }
        let nameless = try CommandRun.output(
            ["openssl", "s_client", "-connect", "127.0.0.1:\(guarded.harness.securePort)", "-noservername", "-ign_eof"]
                + words, input: "GET /echo HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
        #expect(nameless.contains("HTTP/1.1 421 Misdirected Request"))
        await guarded.stop()
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `a session resumes at its own trust, and at no other`(version: String) async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let theirs = try CertificateAuthority.create(commonName: "theirs")
        let guarded = try Guarded([
            ("a.example", Self.policy(ours)), ("same.example", Self.policy(ours)), ("b.example", Self.policy(theirs)),
            ("open.example", nil),
        ])
        let one = try guarded.identity(try ours.issueClient(commonName: "one"))
        let saved = guarded.directory.appending(path: "session").path
        func resume(_ name: String, _ file: String) throws -> String {
            try guarded.connect(name, [version, "-sess_in", file])
        }
        let first = try guarded.connect(
            "a.example", [version, "-cert", one[1], "-key", one[3], "-sess_out", saved])
        #expect(first.contains("HTTP/1.1 200") && first.contains("New, TLSv1"), "\(first)")
        // Without the certificate: the session is the proof.
        let again = try resume("a.example", saved)
        #expect(again.contains("Reused, TLSv1") && again.contains("HTTP/1.1 200"), "\(again)")
        #expect(again.contains("ssl-client-subject-dn: CN=one"))
        let other = try resume("b.example", saved)
        #expect(!other.contains("Reused, TLSv1") && other.contains("HTTP/1.1 400"), "\(other)")
        // A session that proves nothing does not become one that does.
        let open = guarded.directory.appending(path: "open").path
        #expect(try guarded.connect("open.example", [version, "-sess_out", open]).contains("HTTP/1.1 200"))
        #expect(try resume("open.example", open).contains("Reused, TLSv1"))
        let lifted = try resume("a.example", open)
        #expect(!lifted.contains("Reused, TLSv1") && lifted.contains("HTTP/1.1 400"), "\(lifted)")
        // Authorities that changed have not accepted it.
        guarded.apply([("a.example", Self.policy(ours) { $0.authoritiesPEM += theirs.certificatePEM })])
        let late = try resume("a.example", saved)
        #expect(!late.contains("Reused, TLSv1") && late.contains("HTTP/1.1 400"), "\(late)")
        await guarded.stop()
    }

    @Test func `who is revoked is out, on connections that are open too`() async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let guarded = try Guarded([("a.example", Self.policy(ours))])
        let one = try ours.issueClient(commonName: "one")
        let two = try ours.issueClient(commonName: "two")
        let open = try TLSClient(
            guarded.harness.securePort, name: "a.example", trust: .nothingVerified,
            identity: TLSIdentity(certificatePEM: one.certificatePEM, keyPEM: one.keyPEM))
        func ask() -> String {
            open.send("GET /length/0 HTTP/1.1\r\nHost: a.example\r\n\r\n")
            return open.readHead()
        }
        #expect(ask().hasPrefix("HTTP/1.1 200"))
        let list = try Self.revocations(of: one, by: ours, guarded)
        guarded.apply([("a.example", Self.policy(ours) { $0.revocationsPEM = list })])
        #expect(ask().hasPrefix("HTTP/1.1 421"))
        #expect(open.read(100_000).count > 0 && open.read(1).isEmpty)
        #expect(Self.status(try guarded.curl("a.example", one)) == "400")
        #expect(Self.status(try guarded.curl("a.example", two)) == "200")
        await guarded.stop()
    }

    private static func revocations(
        of credentials: CertificateAuthority.Credentials, by authority: CertificateAuthority, _ guarded: Guarded
    ) throws -> [UInt8] {
        let certificate = try guarded.file("revoked.crt", credentials.certificatePEM)
        let serial =
            try CommandRun.output(["openssl", "x509", "-in", certificate, "-noout", "-serial"])
            .split(separator: "=").last?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        let index = try guarded.file(
            "index", Array("R\t491231235959Z\t250101000000Z\t\(serial)\tunknown\t/CN=one\n".utf8))
        let configuration = try guarded.file(
            "ca.conf", Array("[ca]\ndefault_ca=c\n[c]\ndatabase=\(index)\ndefault_md=sha256\ndefault_crl_days=2\n".utf8)
        )
        let list = guarded.directory.appending(path: "list").path
        let said = try CommandRun.output([
            "openssl", "ca", "-gencrl", "-config", configuration, "-cert",
            try guarded.file("ca.crt", authority.certificatePEM), "-keyfile",
            try guarded.file("ca.key", authority.credentials.keyPEM), "-out", list,
        ])
        try #require(FileManager.default.fileExists(atPath: list), "\(said)")
        return Array(try Data(contentsOf: URL(fileURLWithPath: list)))
    }

    @Test func `where nobody could be verified nobody is let in`() async throws {
        let ours = try CertificateAuthority.create(commonName: "ours")
        let guarded = try Guarded([
            ("none.example", Self.policy(ours, .optional) { $0.authoritiesPEM = [] }),
            ("list.example", Self.policy(ours) { $0.revocationsPEM = Array("nonsense".utf8) }),
            ("pattern.example", Self.policy(ours) { $0.subjectPattern = "(" }),
        ])
        #expect(guarded.problems.map(\.subject) == [.clientCertificates(0), .clientCertificates(1)])
        let one = try ours.issueClient(commonName: "one")
        for host in ["none.example", "list.example", "pattern.example"] {
            #expect(Self.status(try guarded.curl(host, one)) == "503", "\(host)")
            #expect(guarded.harness.get("/echo", host: host)?.status == 503)
        }
        #expect(guarded.upstream.requests.isEmpty)
        await guarded.stop()
    }
}
