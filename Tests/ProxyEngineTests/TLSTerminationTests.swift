import Foundation
import Glibc
import NetworkTypes
import Testing

@testable import ProxyEngine
@testable import Transport

@Suite("The L7 proxy terminates TLS") struct TLSTerminationTests {
    private static func configuration(
        _ upstream: FakeUpstream, _ certificates: [ProxyConfiguration.ServerCertificate], redirects: Bool = false
    ) -> ProxyConfiguration {
        var configuration = EngineHarness.toAll([upstream.address])
        configuration.listeners.append(EngineHarness.secureListener)
        configuration.certificates = certificates
        configuration.hosts[0].redirectsToHTTPS = redirects
        return configuration
    }

    private static func certificate(
        _ authority: CertificateAuthority, _ name: String
    ) throws -> ProxyConfiguration.ServerCertificate {
        let issued = try authority.issueServer(dnsNames: [name])
        return .init(hosts: [name], certificateChainPEM: issued.certificatePEM, privateKeyPEM: issued.keyPEM)
    }

    @Test func theCertificateIsChosenByNameAndChangesWithoutDisturbingConnections() async throws {
        let upstream = FakeUpstream()
        let old = try CertificateAuthority.create(commonName: "old")
        let new = try CertificateAuthority.create(commonName: "new")
        let certificates = [try Self.certificate(old, "a.example"), try Self.certificate(old, "*.wild.example")]
        let harness = try EngineHarness(Self.configuration(upstream, certificates))
        let trust = TLSContext.ServerTrust.authorities(pem: old.certificatePEM)
        let open = try TLSClient(harness.securePort, name: "a.example", trust: trust)
        #expect(open.failure == nil)
        #expect(open.get("/length/5", host: "a.example", length: 5) == FakeUpstream.pattern(5))
        #expect(try TLSClient(harness.securePort, name: "x.wild.example", trust: trust).failure == nil)
        #expect(try TLSClient(harness.securePort, name: "x.y.wild.example", trust: trust).failure != nil)
        // The fake certificate serves, but proves nothing.
        #expect(try TLSClient(harness.securePort, name: "other.example", trust: trust).failure != nil)
        let stranger = try TLSClient(harness.securePort, name: nil, trust: .nothingVerified)
        #expect(stranger.get("/length/5", host: "other.example", length: 5).count == 5)

        let replacement = [try Self.certificate(new, "a.example")]
        #expect(harness.engine.apply(Self.configuration(upstream, replacement)) == [])
        #expect(try TLSClient(harness.securePort, name: "a.example", trust: trust).failure != nil)
        let newTrust = TLSContext.ServerTrust.authorities(pem: new.certificatePEM)
        #expect(try TLSClient(harness.securePort, name: "a.example", trust: newTrust).failure == nil)
        #expect(open.get("/length/9", host: "a.example", length: 9) == FakeUpstream.pattern(9))

        // A bad certificate is reported and costs nothing else.
        let broken = ProxyConfiguration.ServerCertificate(
            hosts: ["b"], certificateChainPEM: Array("nonsense".utf8), privateKeyPEM: [])
        let problems = harness.engine.apply(Self.configuration(upstream, [broken] + replacement))
        #expect(problems.map(\.subject) == [.certificate(0)])
        #expect(try TLSClient(harness.securePort, name: "a.example", trust: newTrust).failure == nil)
        await harness.stop()
        upstream.stop()
    }

    @Test func plainRequestsAreRedirectedToThePortOfTheListener() async throws {
        let upstream = FakeUpstream()
        let harness = try EngineHarness(Self.configuration(upstream, [], redirects: true))
        let response = try #require(harness.get("/echo?x=1", host: "a.example:8080"))
        #expect(response.status == 308)
        #expect(response["Location"] == "https://a.example:\(harness.securePort)/echo?x=1")
        let secure = try TLSClient(harness.securePort, name: "a.example", trust: .nothingVerified)
        #expect(secure.get("/length/1", host: "a.example", length: 1).count == 1)
        let request = try #require(upstream.requests.last)
        #expect(request["X-Forwarded-Proto"] == "https")
        #expect(request["X-Forwarded-Port"] == "\(harness.securePort)")
        #expect(upstream.requests.count == 1)
        await harness.stop()
        upstream.stop()
    }

    @Test func largeBodiesAndTunnelsPassThroughTLS() async throws {
        let upstream = FakeUpstream()
        var configuration = Self.configuration(upstream, [])
        configuration.limits.maxBodyBytes = nil
        let harness = try EngineHarness(configuration)
        let client = try TLSClient(harness.securePort, name: nil, trust: .nothingVerified)
        let size = 3_000_000
        #expect(client.get("/length/\(size)", host: "a", length: size) == FakeUpstream.pattern(size))
        client.send(
            Array("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n".utf8)
                + FakeUpstream.pattern(size))
        let head = client.readHead()
        let length = head.split(separator: "\r\n").first { $0.hasPrefix("Content-Length") }
            .flatMap { Int($0.drop { $0 != " " }.dropFirst()) }
        #expect(client.read(length ?? 0).suffix(size) == FakeUpstream.pattern(size)[...])
        client.send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
        #expect(client.readHead().hasPrefix("HTTP/1.1 101"))
        #expect(client.read(6) == Array("hello ".utf8))
        client.send(FakeUpstream.pattern(5_000))
        #expect(client.read(5_000) == FakeUpstream.pattern(5_000))
        await harness.stop()
        upstream.stop()
    }
}
