import KubeModel
import Testing
import Transport

@testable import DataPlane

@Suite("TLSSecret") struct TLSSecretTests {
    private static func secret(_ certificate: [UInt8]?, _ key: [UInt8]?) -> Secret {
        var data: [String: String] = [:]
        data["tls.crt"] = certificate.map { Base64.encode($0) }
        data["tls.key"] = key.map { Base64.encode($0) }
        return Secret(metadata: ObjectMeta(name: "web-tls", namespace: "shop"), data: data)
    }

    @Test func `a Secret that turns bad does not take the working certificate away`() throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let first = try authority.issueServer(dnsNames: ["web.example.com", "*.wild.example.com"])
        let second = try authority.issueServer(dnsNames: ["web.example.com"])
        let good = TLSSecret.served(Self.secret(first.certificatePEM, first.keyPEM), before: nil)
        let certificate = try #require(good.certificate)
        #expect(!good.isStale)
        #expect(certificate.covers("Web.example.com"))
        #expect(certificate.covers("a.wild.example.com"))
        #expect(!certificate.covers("a.b.wild.example.com") && !certificate.covers("wild.example.com"))
        // A renewal in two steps, a foreign key, garbage, an empty part, none.
        let bad = [
            Self.secret(second.certificatePEM, first.keyPEM), Self.secret(Array("garbage".utf8), first.keyPEM),
            Self.secret(first.certificatePEM, []), Self.secret(nil, nil),
        ]
        for secret in bad {
            let served = TLSSecret.served(secret, before: certificate)
            #expect(served.certificate == certificate)
            #expect(served.isStale)
            #expect(TLSSecret.served(secret, before: nil).certificate == nil)
            #expect(!TLSSecret.served(secret, before: nil).isStale)
        }
        let renewed = TLSSecret.served(Self.secret(second.certificatePEM, second.keyPEM), before: certificate)
        #expect(renewed.certificate?.certificateChainPEM == second.certificatePEM)
    }
}
