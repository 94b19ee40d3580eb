internal import COpenSSL
internal import Glibc

/// By whom a server has its clients' certificates signed, for some of the names that it answers to.
///
/// A client is asked for a certificate and comes in whatever it shows: what is thought of it is ``TLSSession/peerCertificate``, for
/// whoever lets it in or not, by words that it understands. Sessions resume only where their trust is the same, to the last
/// byte: a certificate that was accepted under one never counts under another.
///
/// `@unchecked Sendable`: the objects of OpenSSL are counted atomically and never changed here.
package final class TLSClientTrust: @unchecked Sendable {
    /// What sessions carry to tell what they were verified by; above 0.
    package let number: Int32
    let store: OpaquePointer
    /// Told to clients, so that they know which certificate to show.
    let names: OpaquePointer
    let depth: Int32
    /// Sessions of another one are not resumed.
    let sessionContext: [UInt8]

    /// - Parameters:
    ///   - authoritiesPEM: one certificate at least.
    ///   - revocationsPEM: CRLs, of which there must be one for every authority of a chain then; nil for none.
    ///   - depth: intermediate certificates between a client's and an authority's.
    /// - Throws: `.certificate` for what cannot be read.
    package init(
        number: Int32, authoritiesPEM: [UInt8], revocationsPEM: [UInt8]? = nil, depth: Int32
    ) throws(TransportError) {
        let authorities = try PEM.certificates(authoritiesPEM)
        defer { for authority in authorities { X509_free(authority) } }
        guard !authorities.isEmpty else {
            throw TransportError(.certificate, "no certificate authority in the PEM text")
        }
        var revocations: [OpaquePointer] = []
        if let revocationsPEM { revocations = try PEM.revocations(revocationsPEM) }
        defer { for list in revocations { X509_CRL_free(list) } }
        if revocationsPEM != nil, revocations.isEmpty {
            throw TransportError(.certificate, "no certificate revocation list in the PEM text")
        }
        guard let store = X509_STORE_new(), let names = martlet_name_stack() else {
            throw TransportError(.certificate, "out of memory")
        }
        var nameBytes = 0
        for authority in authorities {
            X509_STORE_add_cert(store, authority)
            let subject = X509_get_subject_name(authority)
            nameBytes += 2 + Int(max(0, i2d_X509_NAME(subject, nil)))
            // More than a handshake has room for: clients choose by themselves then (RFC 8446 section 4.2.4).
            guard nameBytes <= Self.maxNameBytes, let name = X509_NAME_dup(subject) else { continue }
            martlet_name_stack_push(names, name)
        }
        for list in revocations { X509_STORE_add_crl(store, list) }
        if !revocations.isEmpty {
            X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL))
        }
        ERR_clear_error()
        self.number = number
        self.store = store
        self.names = names
        self.depth = depth
        var text = "\(depth) \(authoritiesPEM.count) \(revocationsPEM?.count ?? -1)\n".utf8.map { $0 }
        text += authoritiesPEM
        text += revocationsPEM ?? []
        sessionContext = Self.digest(text)
    }

    deinit {
        X509_STORE_free(store)
        martlet_name_stack_free(names)
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 0
        EVP_Digest(bytes, bytes.count, &digest, &count, EVP_sha256(), nil)
        return digest
    }

    /// Names of authorities that are told to clients, of the 65,535 bytes that have a place.
    private static let maxNameBytes = 32 << 10

    /// What a client may send of certificates before anybody knows who it is; a handshake with more fails.
    private static let maxChainBytes = 32 << 10

    /// Has a handshake ask for a certificate.
    func apply(to ssl: OpaquePointer) -> Bool {
        SSL_set_verify(ssl, SSL_VERIFY_PEER) { isFine, context in
            guard let context else { return 0 }
            martlet_remember_worst_error(isFine, context)
            return 1
        }
        SSL_set_verify_depth(ssl, depth)
        martlet_ssl_set_max_chain(ssl, Self.maxChainBytes)
        martlet_ssl_set_number(ssl, number)
        guard martlet_ssl_set_verify_store(ssl, store) == 1, let list = SSL_dup_CA_list(names) else { return false }
        SSL_set_client_CA_list(ssl, list)
        return SSL_set_session_id_context(ssl, sessionContext, UInt32(sessionContext.count)) == 1
    }
}

/// Which names ask their clients for certificates.
package struct TLSClientTrusts: Sendable {
    /// By lower-case host name; `*.example.com` covers exactly one more label. `.some(nil)` asks for none.
    package var byName: [String: TLSClientTrust?]
    /// For clients that name no host, or one that is not in `byName`.
    package var fallback: TLSClientTrust?

    package init(byName: [String: TLSClientTrust?] = [:], fallback: TLSClientTrust? = nil) {
        self.byName = byName
        self.fallback = fallback
    }

    var isEmpty: Bool { fallback == nil && byName.isEmpty }

    /// The exact name, then the wildcard one label up, then the fallback.
    func trust(for serverName: String?) -> TLSClientTrust? {
        guard var name = serverName?.lowercased() else { return fallback }
        if name.hasSuffix(".") { name.removeLast() }
        if let known = byName[name] { return known }
        if let dot = name.firstIndex(of: "."), let known = byName["*" + name[dot...]] { return known }
        return fallback
    }
}
