internal import COpenSSL

/// What a certificate says of itself.
package struct CertificateDetails: Hashable, Sendable {
    package var subject: CertificateSubject
    /// Seconds since 1970.
    package var notBefore: Int64
    package var notAfter: Int64
    /// The hexadecimal SHA-256 of its public key (SubjectPublicKeyInfo, RFC 7469, 2.4), by which kubeadm pins an
    /// authority.
    package var publicKeyHash: String

    /// Reads every certificate of a PEM text, at least one.
    ///
    /// - Throws: `.certificate` for a text that holds none, or a malformed one.
    package static func read(pem: [UInt8]) throws(TransportError) -> [CertificateDetails] {
        let certificates = try PEM.certificates(pem)
        defer { for certificate in certificates { X509_free(certificate) } }
        guard !certificates.isEmpty else { throw TransportError(.certificate, "no certificate in the PEM text") }
        var details: [CertificateDetails] = []
        for certificate in certificates { details.append(try CertificateDetails(certificate)) }
        return details
    }

    private init(_ certificate: OpaquePointer) throws(TransportError) {
        subject = CertificateSubject(certificate: certificate) ?? CertificateSubject(commonName: "", organizations: [])
        notBefore = martlet_asn1_seconds(X509_get0_notBefore(certificate))
        notAfter = martlet_asn1_seconds(X509_get0_notAfter(certificate))
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes)
        guard count > 0, let bytes else {
            throw TransportError(.certificate, openSSLErrorText() ?? "the public key is not readable")
        }
        defer { CRYPTO_free(bytes, nil, 0) }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var digestCount: UInt32 = 0
        guard EVP_Digest(bytes, Int(count), &digest, &digestCount, EVP_sha256(), nil) == 1 else {
            throw TransportError(.certificate, openSSLErrorText() ?? "SHA-256 failed")
        }
        let digits = Array("0123456789abcdef")
        publicKeyHash = String(
            digest.prefix(Int(digestCount)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
