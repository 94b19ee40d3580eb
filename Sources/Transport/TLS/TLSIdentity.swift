internal import COpenSSL
internal import Glibc

/// A certificate with its private key and intermediate certificates. Immutable, shared between threads.
///
/// `@unchecked Sendable`: OpenSSL's X509 and EVP_PKEY are reference-counted atomically and never changed here.
package final class TLSIdentity: @unchecked Sendable {
    let certificate: OpaquePointer
    let key: OpaquePointer
    let chain: OpaquePointer?
    /// The DNS names of the certificate, lower case; the common name if it has none. May begin with `*.`.
    package let dnsNames: [String]

    /// Reads PEM: a leaf certificate followed by intermediates, and a private key without passphrase. Throws
    /// `.certificate` if either is malformed or they do not belong together.
    package init(certificatePEM: [UInt8], keyPEM: [UInt8]) throws(TransportError) {
        var certificates = try PEM.certificates(certificatePEM)
        guard !certificates.isEmpty else { throw TransportError(.certificate, "no certificate in the PEM text") }
        let leaf = certificates.removeFirst()
        guard let key = PEM.privateKey(keyPEM) else {
            X509_free(leaf)
            for certificate in certificates { X509_free(certificate) }
            throw TransportError(.certificate, "the private key is not readable PEM")
        }
        let stack = certificates.isEmpty ? nil : martlet_x509_stack()
        for certificate in certificates { martlet_x509_stack_push(stack, certificate) }
        self.certificate = leaf
        self.key = key
        chain = stack
        dnsNames = Self.names(of: leaf)
        guard X509_check_private_key(leaf, key) == 1 else {
            ERR_clear_error()
            throw TransportError(.certificate, "the private key does not belong to the certificate")
        }
    }

    deinit {
        X509_free(certificate)
        EVP_PKEY_free(key)
        if let chain { martlet_x509_stack_free(chain) }
    }

    private static func names(of certificate: OpaquePointer) -> [String] {
        var names: [String] = []
        if let extensionValue = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) {
            let generalNames = OpaquePointer(extensionValue)
            for index in 0..<martlet_general_names_count(generalNames) {
                guard let name = martlet_general_name(generalNames, index),
                    let dns = martlet_general_name_dns(name), let bytes = ASN1_STRING_get0_data(dns)
                else { continue }
                let buffer = UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(dns)))
                names.append(String(decoding: buffer.map(\.asciiLowercased), as: UTF8.self))
            }
            GENERAL_NAMES_free(generalNames)
        }
        if names.isEmpty, let subject = CertificateSubject(certificate: certificate), !subject.commonName.isEmpty {
            names.append(subject.commonName.lowercased())
        }
        return names
    }
}

extension CertificateSubject {
    init?(certificate: OpaquePointer) {
        guard let name = X509_get_subject_name(certificate) else { return nil }
        self.init(name: name)
    }

    /// Reads an X509_NAME. Of several common names the last counts.
    init(name: OpaquePointer) {
        var commonName = ""
        var organizations: [String] = []
        for index in 0..<X509_NAME_entry_count(name) {
            guard let entry = X509_NAME_get_entry(name, index), let object = X509_NAME_ENTRY_get_object(entry),
                let data = X509_NAME_ENTRY_get_data(entry)
            else { continue }
            let number = OBJ_obj2nid(object)
            guard number == NID_commonName || number == NID_organizationName else { continue }
            var text: UnsafeMutablePointer<UInt8>?
            let count = ASN1_STRING_to_UTF8(&text, data)
            guard count >= 0, let text else { continue }
            let value = String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
            CRYPTO_free(text, nil, 0)
            if number == NID_commonName { commonName = value } else { organizations.append(value) }
        }
        self.init(commonName: commonName, organizations: organizations)
    }
}

/// Reading PEM text with OpenSSL. The caller owns the objects it gets.
enum PEM {
    static func certificates(_ text: [UInt8]) throws(TransportError) -> [OpaquePointer] {
        guard let bio = memory(text) else { throw TransportError(.certificate, "out of memory") }
        defer { BIO_free(bio) }
        ERR_clear_error()
        var certificates: [OpaquePointer] = []
        while let certificate = PEM_read_bio_X509(bio, nil, nil, nil) { certificates.append(certificate) }
        let reason = ERR_GET_REASON(ERR_peek_last_error())
        ERR_clear_error()
        // At the end of the text OpenSSL reports that no further block starts.
        if reason != PEM_R_NO_START_LINE {
            for certificate in certificates { X509_free(certificate) }
            throw TransportError(.certificate, "malformed certificate in the PEM text")
        }
        return certificates
    }

    /// CRLs.
    static func revocations(_ text: [UInt8]) throws(TransportError) -> [OpaquePointer] {
        guard let bio = memory(text) else { throw TransportError(.certificate, "out of memory") }
        defer { BIO_free(bio) }
        ERR_clear_error()
        var lists: [OpaquePointer] = []
        while let list = PEM_read_bio_X509_CRL(bio, nil, nil, nil) { lists.append(list) }
        let reason = ERR_GET_REASON(ERR_peek_last_error())
        ERR_clear_error()
        if reason != PEM_R_NO_START_LINE {
            for list in lists { X509_CRL_free(list) }
            throw TransportError(.certificate, "malformed certificate revocation list in the PEM text")
        }
        return lists
    }

    static func privateKey(_ text: [UInt8]) -> OpaquePointer? {
        guard let bio = memory(text) else { return nil }
        defer { BIO_free(bio) }
        // Without a callback OpenSSL would ask for a passphrase on the terminal.
        let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
        ERR_clear_error()
        return key
    }

    static func request(_ text: [UInt8]) -> OpaquePointer? {
        guard let bio = memory(text) else { return nil }
        defer { BIO_free(bio) }
        let request = PEM_read_bio_X509_REQ(bio, nil, nil, nil)
        ERR_clear_error()
        return request
    }

    static func encode(request: OpaquePointer) -> [UInt8] {
        collect { PEM_write_bio_X509_REQ($0, request) }
    }

    static func encode(certificate: OpaquePointer) -> [UInt8] {
        collect { PEM_write_bio_X509($0, certificate) }
    }

    static func encode(privateKey: OpaquePointer) -> [UInt8] {
        collect { PEM_write_bio_PKCS8PrivateKey($0, privateKey, nil, nil, 0, nil, nil) }
    }

    private static func memory(_ text: [UInt8]) -> OpaquePointer? {
        guard let bio = BIO_new(BIO_s_mem()) else { return nil }
        _ = text.withUnsafeBytes { BIO_write(bio, $0.baseAddress, Int32(clamping: $0.count)) }
        return bio
    }

    static func collect(_ write: (OpaquePointer) -> Int32) -> [UInt8] {
        guard let bio = BIO_new(BIO_s_mem()) else { return [] }
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { return [] }
        var bytes: UnsafeMutablePointer<CChar>?
        let count = martlet_bio_memory(bio, &bytes)
        return Array(UnsafeRawBufferPointer(start: bytes, count: count))
    }
}
