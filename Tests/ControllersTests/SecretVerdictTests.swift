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
        #expect(verdicts.removingPasswords == [.serving: "it has no tls.crt"])
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
            Self.verdicts(whole).removingPasswords
                == [.verifyingServers: "it has no ca.crt", .verifyingClients: "it has no ca.crt"])
        let revoking = Self.secret(["ca.crt": authority.certificatePEM, "ca.crl": Array("nonsense".utf8)])
        #expect(
            Self.verdicts(revoking)[.verifyingClients] == "ca.crl: no certificate revocation list in the PEM text")
        // One that somebody emptied revokes nobody, and says nothing of whom it should.
        let emptied = Self.secret(["ca.crt": authority.certificatePEM, "ca.crl": []])
        #expect(Self.verdicts(emptied)[.verifyingClients] != nil)
    }

    @Test func `passwords are a file or a map, and what is passed over of them is told`() throws {
        func judge(_ data: [String: String], _ use: SecretVerdict.Use) -> (problem: String?, remark: String?) {
            var reduced = Self.secret(data.mapValues { Array($0.utf8) })
            SecretVerdict.reduce(&reduced)
            return (SecretVerdict.read(reduced, for: use), SecretVerdict.remark(reduced, for: use))
        }
        let good = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
        #expect(judge(["auth": "ann:\(good)"], .passwordFile) == (nil, nil))
        #expect(judge(["ann": good], .passwordMap) == (nil, nil))
        #expect(judge(["ann": good], .passwordFile).problem == "it has no auth")
        #expect(judge(["auth": ""], .passwordFile).problem == "it names nobody")
        #expect(
            judge(["auth": "ann:plain"], .passwordFile).problem?.hasPrefix(
                "nobody in it can come in: the password of line 1 is of a form that is not known") == true)
        let mixed = judge(["auth": "ann:\(good)\nbob:rqXexS6ZhobKA"], .passwordFile)
        #expect(
            mixed == (nil, "the password of line 2 is DES, of which only the first eight characters count"))
        var token = Self.secret(["auth": Array("ann:\(good)".utf8)], type: "kubernetes.io/service-account-token")
        SecretVerdict.reduce(&token)
        #expect(
            SecretVerdict.read(token, for: .passwordFile) == "its type is neither Opaque nor kubernetes.io/tls")
    }

    @Test func `one of another type is not read`() throws {
        let authority = try CertificateAuthority.create(commonName: "test")
        let secret = Self.secret(["ca.crt": authority.certificatePEM], type: "kubernetes.io/service-account-token")
        #expect(Self.verdicts(secret)[.verifyingServers] == "its type is neither Opaque nor kubernetes.io/tls")
    }
}

extension [SecretVerdict.Use: String] {
    fileprivate var removingPasswords: Self { filter { $0.key != .passwordFile && $0.key != .passwordMap } }
}
