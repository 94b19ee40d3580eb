import Testing

@testable import Transport

@Suite("Certificate requests") struct CertificateRequestTests {
    private let subject = CertificateSubject(commonName: "system:node:a", organizations: ["system:nodes"])

    @Test func `a request is read back, and a certificate for it fits its key`() throws {
        let (request, key) = try CertificateRequest.make(subject)
        let read = try CertificateRequest(pem: request)
        #expect(read.subject == subject)
        #expect(read.furtherSubjectAttributes.isEmpty)
        #expect(read.requestedExtensions.isEmpty)
        let authority = try CertificateAuthority.create(commonName: "test")
        let certificate = try authority.issueClient(read, seconds: 7200)
        _ = try TLSIdentity(certificatePEM: certificate, keyPEM: key)
        let details = try CertificateDetails.read(pem: certificate)[0]
        #expect(details.subject == subject)
        // It begins an hour ago, by the same clock.
        #expect(abs(details.notAfter - details.notBefore - 10800) <= 1)
    }

    @Test func `a certificate does not outlive its authority`() throws {
        let authority = try CertificateAuthority.create(commonName: "test", days: 1)
        let request = try CertificateRequest(pem: try CertificateRequest.make(subject).requestPEM)
        let details = try CertificateDetails.read(pem: try authority.issueClient(request, seconds: 100 * 86400))[0]
        #expect(details.notAfter == (try CertificateDetails.read(pem: authority.certificatePEM)[0].notAfter))
    }

    @Test func `a changed request is refused`() throws {
        var text = String(decoding: try CertificateRequest.make(subject).requestPEM, as: UTF8.self)
        let other = String(decoding: try CertificateRequest.make(subject).requestPEM, as: UTF8.self)
        // The signature, at the end, is another request's.
        var lines = text.split(separator: "\n").map(String.init)
        let foreign = other.split(separator: "\n").map(String.init)
        lines[lines.count - 2] = foreign[foreign.count - 2]
        text = lines.joined(separator: "\n") + "\n"
        #expect(throws: TransportError.self) { try CertificateRequest(pem: Array(text.utf8)) }
    }

    @Test(arguments: ["", "nonsense", "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"])
    func `other texts are no requests`(text: String) {
        #expect(throws: TransportError.self) { try CertificateRequest(pem: Array(text.utf8)) }
    }

    @Test func `names and attributes that are asked for are seen`() throws {
        let read = try CertificateRequest(pem: Array(Self.withNames.utf8))
        #expect(read.subject.commonName == "system:node:a")
        #expect(read.furtherSubjectAttributes == ["OU"])
        #expect(read.requestedExtensions == ["subjectAltName"])
    }

    @Test func `two certificates of one key have one pin, and of two keys two`() throws {
        let one = try CertificateAuthority.create(commonName: "one")
        let two = try CertificateAuthority.create(commonName: "two")
        let pins = try CertificateDetails.read(pem: one.certificatePEM + two.certificatePEM).map(\.publicKeyHash)
        #expect(pins.count == 2 && pins[0] != pins[1])
        #expect(pins[0].utf8.count == 64)
    }

    /// openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj
    /// "/O=system:nodes/OU=x/CN=system:node:a" -addext "subjectAltName=DNS:a.example"
    private static let withNames = """
        -----BEGIN CERTIFICATE REQUEST-----
        MIIBHDCBxAIBADA7MRUwEwYDVQQKDAxzeXN0ZW06bm9kZXMxCjAIBgNVBAsMAXgx
        FjAUBgNVBAMMDXN5c3RlbTpub2RlOmEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
        AARb8dRwHewMor3YJW1KXvJrpXmzcCTdAY4heFsJJpTus8JzTWCgoFSWuYT4iIs0
        wMt2HXJUfCRq0Soh5UaDDqhKoCcwJQYJKoZIhvcNAQkOMRgwFjAUBgNVHREEDTAL
        gglhLmV4YW1wbGUwCgYIKoZIzj0EAwIDRwAwRAIgH2XvK6eqaJIruuqqsrTu6YMP
        EZcJ8V/RSXOXNXIhWA8CIE57i3gX0oYNiVzMfEiOq6OFGDt3AzftsuZGwolGOE4T
        -----END CERTIFICATE REQUEST-----
        """
}
