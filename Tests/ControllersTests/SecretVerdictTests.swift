import Foundation
import KubeModel
import Testing
import Transport

@testable import Controllers

@Suite("Secrets are judged by what they are named for") struct SecretVerdictTests {
    private static func secret(_ data: [String: [UInt8]], type: String = "Opaque") -> Secret {
        Secret(type: type, data: data.mapValues { Data($0).base64EncodedString() })
    }

    private static func verdicts(_ secret: Secret) -> [SecretVerdict.Use: String] {
        var reduced = secret
        SecretVerdict.reduce(&reduced)
        return SecretVerdict.Use.allCases.reduce(into: [:]) { $0[$1] = SecretVerdict.read(reduced, for: $1) }
    }

    @Test func `authorities alone verify, and show nothing`() throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let verdicts = Self.verdicts(Self.secret(["ca.crt": authority.certificatePEM]))
        #expect(verdicts == [.serving: "it has no tls.crt"])
    }

    @Test func `a certificate needs its key, and authorities need to be some`() throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let issued = try authority.issueServer(dnsNames: ["a.example"])
        let half = Self.verdicts(Self.secret(["ca.crt": authority.certificatePEM, "tls.crt": issued.certificatePEM]))
        #expect(half[.verifyingClients] == nil)
        #expect(half[.verifyingServers] == "it has no tls.key" && half[.identifying] == "it has no tls.key")
        let broken = Self.verdicts(Self.secret(["ca.crt": Array("nonsense".utf8)]))
        #expect(broken[.verifyingServers] == "ca.crt: no certificate in the PEM text")
        let whole = Self.secret(["tls.crt": issued.certificatePEM, "tls.key": issued.keyPEM])
        #expect(
            Self.verdicts(whole) == [.verifyingServers: "it has no ca.crt", .verifyingClients: "it has no ca.crt"])
        let revoking = Self.secret(["ca.crt": authority.certificatePEM, "ca.crl": Array("nonsense".utf8)])
        #expect(
            Self.verdicts(revoking)[.verifyingClients] == "ca.crl: no certificate revocation list in the PEM text")
    }

    @Test func `one of another type is not read`() throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let secret = Self.secret(["ca.crt": authority.certificatePEM], type: "kubernetes.io/service-account-token")
        #expect(Self.verdicts(secret)[.verifyingServers] == "its type is neither Opaque nor kubernetes.io/tls")
    }
}
