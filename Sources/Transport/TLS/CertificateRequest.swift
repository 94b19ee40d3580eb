internal import COpenSSL
internal import Glibc

/// A request for a certificate (PKCS #10, RFC 2986) whose signature was checked: whoever made it has the key.
///
/// `@unchecked Sendable`: OpenSSL's X509_REQ is never changed after `init`.
package final class CertificateRequest: @unchecked Sendable {
    package let subject: CertificateSubject
    /// Attributes of the subject besides one CN and any O, by OpenSSL's short name.
    package let furtherSubjectAttributes: [String]
    /// Whether it asks for alternative names (DNS, addresses, mail, URIs) or for any other extension that OpenSSL names
    /// here: a client's certificate needs none.
    package let requestedExtensions: [String]
    let request: OpaquePointer

    /// Reads one PEM block.
    ///
    /// - Throws: `.certificate` for text that is no request, for a signature that is not by the request's own key, and
    ///   for keys too weak to vouch for anybody (RSA below 2048 bits, curves below 256).
    package init(pem text: [UInt8]) throws(TransportError) {
        guard let request = PEM.request(text) else {
            throw TransportError(.certificate, "the request is not PEM of a PKCS #10 certificate request")
        }
        self.request = request
        var names: [String] = []
        subject =
            X509_REQ_get_subject_name(request).flatMap { name in
                names = Self.furtherAttributes(of: name)
                return CertificateSubject(name: name)
            } ?? CertificateSubject(commonName: "", organizations: [])
        furtherSubjectAttributes = names
        requestedExtensions = Self.extensions(of: request)
        guard let key = X509_REQ_get0_pubkey(request) else {
            ERR_clear_error()
            throw TransportError(.certificate, "the request's public key is not readable")
        }
        let bits = EVP_PKEY_get_bits(key)
        let kind = EVP_PKEY_get_base_id(key)
        switch kind {
        case EVP_PKEY_RSA where bits >= 2048: break
        case EVP_PKEY_EC where bits >= 256: break
        case EVP_PKEY_ED25519: break
        default: throw TransportError(.certificate, "the request's key is of a kind or size that is not accepted")
        }
        guard X509_REQ_verify(request, key) == 1 else {
            ERR_clear_error()
            throw TransportError(.certificate, "the request is not signed by its own key")
        }
    }

    deinit { X509_REQ_free(request) }

    /// A new key (ECDSA on P-256, PKCS #8) and a request for it, in PEM.
    package static func make(_ subject: CertificateSubject) throws(TransportError) -> (
        requestPEM: [UInt8], keyPEM: [UInt8]
    ) {
        guard let key = martlet_generate_p256(), let request = X509_REQ_new() else {
            throw TransportError(.certificate, openSSLErrorText() ?? "no key could be made")
        }
        defer {
            EVP_PKEY_free(key)
            X509_REQ_free(request)
        }
        X509_REQ_set_version(request, 0)
        guard let name = X509_REQ_get_subject_name(request) else {
            throw TransportError(.certificate, "no subject")
        }
        try subject.write(to: name)
        guard X509_REQ_set_pubkey(request, key) == 1, X509_REQ_sign(request, key, EVP_sha256()) > 0 else {
            throw TransportError(.certificate, openSSLErrorText() ?? "the request cannot be signed")
        }
        return (PEM.encode(request: request), PEM.encode(privateKey: key))
    }

    private static func furtherAttributes(of name: OpaquePointer) -> [String] {
        var hasCommonName = false
        return (0..<X509_NAME_entry_count(name)).compactMap { index in
            guard let entry = X509_NAME_get_entry(name, index), let object = X509_NAME_ENTRY_get_object(entry) else {
                return nil
            }
            let number = OBJ_obj2nid(object)
            if number == NID_organizationName { return nil }
            if number == NID_commonName, !hasCommonName {
                hasCommonName = true
                return nil
            }
            return OBJ_nid2sn(number).map { String(cString: $0) } ?? "unknown"
        }
    }

    private static func extensions(of request: OpaquePointer) -> [String] {
        guard let list = X509_REQ_get_extensions(request) else { return [] }
        defer { martlet_extensions_free(list) }
        return (0..<martlet_extensions_count(list)).map { index in
            guard let object = martlet_extension_object(list, index), let name = OBJ_nid2sn(OBJ_obj2nid(object)) else {
                return "unknown"
            }
            return String(cString: name)
        }
    }
}

extension CertificateSubject {
    /// Adds the entries to an X509_NAME.
    func write(to name: OpaquePointer) throws(TransportError) {
        for organization in organizations { try Self.add("O", organization, to: name) }
        try Self.add("CN", commonName, to: name)
    }

    private static func add(_ field: String, _ value: String, to name: OpaquePointer) throws(TransportError) {
        let bytes = Array(value.utf8)
        guard X509_NAME_add_entry_by_txt(name, field, martlet_string_utf8, bytes, Int32(bytes.count), -1, 0) == 1 else {
            throw TransportError(.certificate, "\(field)=\(value): \(openSSLErrorText() ?? "refused by OpenSSL")")
        }
    }
}
