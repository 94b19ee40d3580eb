internal import COpenSSL
internal import Glibc
package import NetworkTypes

/// A private certificate authority: ECDSA on P-256, everything in PEM. A value; issuing is synchronous (well under a
/// millisecond) and callable from any thread.
package struct CertificateAuthority: Sendable {
    /// A certificate and its private key as PEM text.
    package struct Credentials: Sendable {
        package var certificatePEM: [UInt8]
        /// PKCS #8 without passphrase.
        package var keyPEM: [UInt8]

        package init(certificatePEM: [UInt8], keyPEM: [UInt8]) {
            self.certificatePEM = certificatePEM
            self.keyPEM = keyPEM
        }
    }

    package let credentials: Credentials
    private let identity: TLSIdentity

    package var certificatePEM: [UInt8] { credentials.certificatePEM }

    /// Makes a new authority, valid for `days` from an hour ago (clocks differ).
    package static func create(commonName: String, days: Int = 3650) throws(TransportError) -> CertificateAuthority {
        let credentials = try Self.issue(
            subject: CertificateSubject(commonName: commonName), days: days, issuer: nil,
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        return try CertificateAuthority(credentials)
    }

    /// An authority made before. Throws `.certificate` if the texts are malformed or do not belong together.
    package init(_ credentials: Credentials) throws(TransportError) {
        identity = try TLSIdentity(certificatePEM: credentials.certificatePEM, keyPEM: credentials.keyPEM)
        self.credentials = credentials
    }

    /// A server certificate for DNS names (`*.` allowed at the front) and addresses; at least one of them.
    package func issueServer(
        dnsNames: [String], addresses: [IPAddress] = [], days: Int = 365
    ) throws(TransportError) -> Credentials {
        guard let first = dnsNames.first ?? addresses.first?.description else {
            throw TransportError(.invalidArgument, "a server certificate needs a name or an address")
        }
        for name in dnsNames where !Self.isHostName(name) {
            throw TransportError(.invalidArgument, "\(name) is not a DNS name")
        }
        let names = dnsNames.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
        return try Self.issue(
            // X.520 limits a common name to 64 characters; nobody reads it beside the alternative names.
            subject: CertificateSubject(commonName: String(first.prefix(64))), days: days, issuer: identity,
            extensions: Self.leafExtensions(usage: "serverAuth") + [
                (NID_subject_alt_name, names.joined(separator: ","))
            ])
    }

    /// A client certificate: CN is the user name, each O a group.
    package func issueClient(
        commonName: String, organizations: [String] = [], days: Int = 365
    ) throws(TransportError) -> Credentials {
        try Self.issue(
            subject: CertificateSubject(commonName: commonName, organizations: organizations), days: days,
            issuer: identity, extensions: Self.leafExtensions(usage: "clientAuth"))
    }

    /// A client certificate for the subject and the key of a request. Whether it may have them is the caller's to judge.
    ///
    /// - Parameter seconds: how long it is good from now on; cut to the authority's own end. It begins an hour ago.
    /// - Returns: PEM of the certificate.
    package func issueClient(_ request: CertificateRequest, seconds: Int) throws(TransportError) -> [UInt8] {
        guard let key = X509_REQ_get0_pubkey(request.request) else { throw Self.failure("public key") }
        let certificate = try Self.certificate(
            subject: request.subject, key: key, days: 0, seconds: max(0, seconds), issuer: identity,
            signingKey: identity.key,
            extensions: Self.leafExtensions(usage: "clientAuth"))
        defer { X509_free(certificate) }
        return PEM.encode(certificate: certificate)
    }

    // MARK: Parts

    private static func leafExtensions(usage: String) -> [(Int32, String)] {
        [
            (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, usage),
            (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid"),
        ]
    }

    private static func isHostName(_ name: String) -> Bool {
        let bytes = name.hasPrefix("*.") ? name.utf8.dropFirst(2) : name.utf8[...]
        return !bytes.isEmpty && bytes.count <= 253
            && bytes.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F: true
                default: false
                }
            }
    }

    private static func issue(
        subject: CertificateSubject, days: Int, issuer: TLSIdentity?, extensions: [(Int32, String)]
    ) throws(TransportError) -> Credentials {
        guard let key = martlet_generate_p256() else { throw failure("key generation") }
        defer { EVP_PKEY_free(key) }
        let certificate = try certificate(
            subject: subject, key: key, days: days, seconds: 0, issuer: issuer, signingKey: issuer?.key ?? key,
            extensions: extensions)
        defer { X509_free(certificate) }
        return Credentials(
            certificatePEM: PEM.encode(certificate: certificate), keyPEM: PEM.encode(privateKey: key))
    }

    /// A signed certificate, which the caller owns.
    private static func certificate(
        subject: CertificateSubject, key: OpaquePointer, days: Int, seconds: Int, issuer: TLSIdentity?,
        signingKey: OpaquePointer, extensions: [(Int32, String)]
    ) throws(TransportError) -> OpaquePointer {
        guard let certificate = X509_new() else { throw failure("X509_new") }
        do throws(TransportError) {
            X509_set_version(certificate, 2)  // v3
            try setSerial(certificate)
            X509_gmtime_adj(X509_getm_notBefore(certificate), -3600)
            X509_time_adj_ex(X509_getm_notAfter(certificate), Int32(clamping: days), seconds, nil)
            if let issuer, let end = X509_get0_notAfter(issuer.certificate),
                ASN1_TIME_compare(X509_get0_notAfter(certificate), end) > 0
            {
                X509_set1_notAfter(certificate, end)
            }
            X509_set_pubkey(certificate, key)
            guard let name = X509_get_subject_name(certificate) else { throw failure("subject") }
            try subject.write(to: name)
            let issuerCertificate = issuer?.certificate ?? certificate
            X509_set_issuer_name(certificate, X509_get_subject_name(issuerCertificate))

            var context = X509V3_CTX()
            martlet_set_ctx_v3(&context, issuerCertificate, certificate)
            for (number, value) in extensions {
                guard let item = X509V3_EXT_conf_nid(nil, &context, number, value) else { throw failure(value) }
                X509_add_ext(certificate, item, -1)
                X509_EXTENSION_free(item)
            }
            guard X509_sign(certificate, signingKey, EVP_sha256()) > 0 else { throw failure("signature") }
        } catch {
            X509_free(certificate)
            throw error
        }
        return certificate
    }

    private static func setSerial(_ certificate: OpaquePointer) throws(TransportError) {
        var bytes = [UInt8](repeating: 0, count: 16)
        guard RAND_bytes(&bytes, Int32(bytes.count)) == 1 else { throw failure("random serial number") }
        bytes[0] &= 0x7F  // positive
        let number = BN_bin2bn(bytes, Int32(bytes.count), nil)
        defer { BN_free(number) }
        guard BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nil else {
            throw failure("serial number")
        }
    }

    private static func failure(_ what: String) -> TransportError {
        TransportError(.certificate, "\(what): \(openSSLErrorText() ?? "refused by OpenSSL")")
    }
}
