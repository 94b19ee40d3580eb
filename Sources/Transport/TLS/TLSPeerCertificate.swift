internal import COpenSSL

/// What a client has shown of itself, and what was thought of it.
package struct TLSPeerCertificate: Sendable {
    package enum Verdict: Sendable, Hashable {
        case verified
        /// - Parameter isUnknownIssuer: nothing is wrong but that nobody who is trusted has signed it.
        case failed(reason: String, isUnknownIssuer: Bool)
    }

    package var verdict: Verdict
    /// As RFC 2253 writes names: what is no printable ASCII is escaped.
    package var subject: String
    package var issuer: String
    /// The certificate, with a line feed behind each line.
    package var pem: [UInt8]
}

extension TLSSession {
    /// The number of the ``TLSClientTrust`` that the peer was asked by; 0 for none.
    package var clientTrust: Int32 { martlet_ssl_number(ssl) }

    /// The certificate of the peer, by itself or by a session that it resumed; nil where it has shown none.
    package var peerCertificate: TLSPeerCertificate? {
        guard let certificate = SSL_get0_peer_certificate(ssl) else { return nil }
        let result = SSL_get_verify_result(ssl)
        let reason = X509_verify_cert_error_string(result).map { String(cString: $0) } ?? "error \(result)"
        return TLSPeerCertificate(
            verdict: result == Int(X509_V_OK)
                ? .verified : .failed(reason: reason, isUnknownIssuer: martlet_is_unknown_issuer(Int32(result)) == 1),
            subject: Self.text(of: X509_get_subject_name(certificate)),
            issuer: Self.text(of: X509_get_issuer_name(certificate)), pem: PEM.encode(certificate: certificate))
    }

    private static func text(of name: OpaquePointer?) -> String {
        let bytes = PEM.collect { X509_NAME_print_ex($0, name, 0, martlet_name_rfc2253) >= 0 ? 1 : 0 }
        return String(decoding: bytes, as: UTF8.self)
    }
}
