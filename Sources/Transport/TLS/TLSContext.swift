internal import COpenSSL
internal import Glibc
internal import NetworkTypes
internal import Synchronization

/// The settings many TLS connections share: OpenSSL's `SSL_CTX`. TLS 1.2 and 1.3, session tickets, forward secrecy.
///
/// `@unchecked Sendable`: the `SSL_CTX` is set up in `init` and afterwards only used by calls that OpenSSL
/// synchronises itself; the certificates are behind a mutex.
package final class TLSContext: @unchecked Sendable {
    /// Whom a server asks for a certificate.
    package struct ClientVerification: Sendable {
        /// PEM certificates of the authorities that are accepted.
        package var authoritiesPEM: [UInt8]
        /// Refuse the handshake without a valid certificate. Otherwise a missing or bad certificate only means that
        /// ``TLSSession/peerSubject`` is nil, as kube-apiserver treats it.
        package var isRequired: Bool

        package init(authoritiesPEM: [UInt8], isRequired: Bool = false) {
            self.authoritiesPEM = authoritiesPEM
            self.isRequired = isRequired
        }
    }

    /// What a client trusts.
    package enum ServerTrust: Sendable {
        /// The distribution's CA bundle.
        case system
        /// PEM certificates of the only authorities that are accepted.
        case authorities(pem: [UInt8])
        /// Anything: encryption without authentication.
        case nothingVerified
    }

    private let context: OpaquePointer
    private let isServer: Bool
    private let verifiesServer: Bool
    private let certificates: Mutex<TLSCertificates>
    private let clientTrusts = Mutex(TLSClientTrusts())
    /// In preference order, in ALPN's wire format.
    private let protocols: [UInt8]

    /// A server context. `protocols` are ALPN names in order of preference; a client that offers
    /// some, but none of them, is refused with the alert `no_application_protocol` (RFC 7301, 3.2); one without ALPN is
    /// served as HTTP/1.1.
    package init(
        server certificates: TLSCertificates, protocols: [String] = ["h2", "http/1.1"],
        clientVerification: ClientVerification? = nil
    ) throws(TransportError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else {
            throw TransportError(.tls, openSSLErrorText() ?? "SSL_CTX_new")
        }
        self.context = context
        isServer = true
        verifiesServer = false
        self.certificates = Mutex(certificates)
        self.protocols = Self.wireFormat(protocols)
        configure()
        let ownPointer = Unmanaged.passUnretained(self).toOpaque()
        SSL_CTX_set_cert_cb(
            context,
            { ssl, argument in
                guard let ssl, let argument else { return 0 }
                let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                return context.selectCertificate(ssl) ? 1 : 0
            }, ownPointer)
        SSL_CTX_set_alpn_select_cb(
            context,
            { _, output, outputCount, offered, offeredCount, argument in
                guard let argument, let output, let outputCount, let offered else {
                    return SSL_TLSEXT_ERR_ALERT_FATAL
                }
                let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                let offer = UnsafeBufferPointer(start: offered, count: Int(offeredCount))
                guard let (start, count) = context.selectProtocol(offer) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
                output.pointee = offered + start
                outputCount.pointee = count
                return SSL_TLSEXT_ERR_OK
            }, ownPointer)
        var identifier: [UInt8] = Array("martlet".utf8)
        SSL_CTX_set_session_id_context(context, &identifier, UInt32(identifier.count))
        // Before a session is looked for that might be resumed: which one may is a matter of the name.
        SSL_CTX_set_client_hello_cb(
            context,
            { ssl, _, argument in
                guard let ssl, let argument else { return SSL_CLIENT_HELLO_ERROR }
                let context = Unmanaged<TLSContext>.fromOpaque(argument).takeUnretainedValue()
                return context.selectClientTrust(ssl) ? SSL_CLIENT_HELLO_SUCCESS : SSL_CLIENT_HELLO_ERROR
            }, ownPointer)
        if let clientVerification { try verifyClients(clientVerification) }
    }

    /// A client context. `identity` is sent to servers that ask for a certificate.
    package init(
        client trust: ServerTrust, identity: TLSIdentity? = nil, protocols: [String] = ["http/1.1"],
        policy: TLSPolicy = TLSPolicy()
    ) throws(TransportError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else {
            throw TransportError(.tls, openSSLErrorText() ?? "SSL_CTX_new")
        }
        self.context = context
        isServer = false
        if case .nothingVerified = trust { verifiesServer = false } else { verifiesServer = true }
        certificates = Mutex(TLSCertificates(fallback: identity))
        self.protocols = Self.wireFormat(protocols)
        configure()
        try apply(policy)
        SSL_CTX_set_alpn_protos(context, self.protocols, UInt32(self.protocols.count))
        switch trust {
        case .system:
            SSL_CTX_set_default_verify_paths(context)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        case .authorities(let pem):
            try trustAuthorities(pem)
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        case .nothingVerified:
            SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
        }
        if let identity {
            guard martlet_ctx_use_identity(context, identity.certificate, identity.key, identity.chain) == 1 else {
                throw TransportError(.certificate, openSSLErrorText() ?? "the client certificate is not usable")
            }
        }
    }

    deinit { SSL_CTX_free(context) }

    /// Replaces a server's certificates, or the one that a client shows, for all handshakes that begin from now on. Any
    /// thread.
    package func replaceCertificates(_ new: TLSCertificates) {
        certificates.withLock { $0 = new }
    }

    /// Replaces what a server asks of its clients, for all handshakes that begin from now on. Any thread.
    package func replaceClientTrusts(_ new: TLSClientTrusts) {
        clientTrusts.withLock { $0 = new }
    }

    /// A session on a connected (or connecting) socket. A client names the server: it is sent by SNI and the
    /// certificate must be valid for it; an IP address is matched against the certificate's addresses.
    ///
    /// - Parameter sendsServerName: false keeps the name from being sent.
    package func session(
        descriptor: Int32, serverName: String? = nil, sendsServerName: Bool = true
    ) throws(TransportError) -> TLSSession {
        guard let ssl = SSL_new(context) else { throw TransportError(.tls, openSSLErrorText() ?? "SSL_new") }
        guard SSL_set_fd(ssl, descriptor) == 1 else {
            SSL_free(ssl)
            throw TransportError(.tls, openSSLErrorText() ?? "SSL_set_fd")
        }
        guard !isServer else {
            SSL_set_accept_state(ssl)
            return TLSSession(ssl: ssl)
        }
        SSL_set_connect_state(ssl)
        // A client's own certificate may have been renewed since the context was made.
        if let identity = certificates.withLock({ $0.fallback }),
            martlet_ssl_use_identity(ssl, identity.certificate, identity.key, identity.chain) != 1
        {
            SSL_free(ssl)
            throw TransportError(.certificate, openSSLErrorText() ?? "the client certificate is not usable")
        }
        if let serverName {
            let isAddress = IPAddress(serverName) != nil
            if !isAddress, sendsServerName { _ = martlet_ssl_set_host_name(ssl, serverName) }
            if verifiesServer {
                let parameters = SSL_get0_param(ssl)
                let accepted =
                    isAddress
                    ? X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName)
                    : X509_VERIFY_PARAM_set1_host(parameters, serverName, serverName.utf8.count)
                guard accepted == 1 else {
                    SSL_free(ssl)
                    throw TransportError(.invalidArgument, "\(serverName) is not a server name")
                }
            }
        } else if verifiesServer {
            SSL_free(ssl)
            throw TransportError(.invalidArgument, "a verified TLS connection needs the server's name")
        }
        return TLSSession(ssl: ssl)
    }

    // MARK: Parts

    private func configure() {
        _ = martlet_ctx_set_min_version(context, TLS1_2_VERSION)
        martlet_ctx_set_modes(context)
        martlet_ctx_set_read_ahead(context)
        // Tickets carry the session: a server keeps no memory for clients that left.
        martlet_ctx_set_session_cache(context, Int(SSL_SESS_CACHE_OFF))
        martlet_ctx_set_options(context)
        // Forward secrecy and authenticated encryption only (Mozilla's "intermediate" set for TLS 1.2).
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL")
    }

    private func apply(_ policy: TLSPolicy) throws(TransportError) {
        _ = martlet_ctx_set_min_version(context, policy.versions.lowerBound.number)
        _ = martlet_ctx_set_max_version(context, policy.versions.upperBound.number)
        if let ciphers = policy.ciphers, SSL_CTX_set_cipher_list(context, ciphers) != 1 {
            throw TransportError(.tls, openSSLErrorText() ?? "no known cipher in \(ciphers)")
        }
        if let depth = policy.depth { SSL_CTX_set_verify_depth(context, depth) }
    }

    private func verifyClients(_ verification: ClientVerification) throws(TransportError) {
        try trustAuthorities(verification.authoritiesPEM)
        let names = martlet_name_stack()
        for certificate in try PEM.certificates(verification.authoritiesPEM) {
            if let name = X509_NAME_dup(X509_get_subject_name(certificate)) { martlet_name_stack_push(names, name) }
            X509_free(certificate)
        }
        SSL_CTX_set_client_CA_list(context, names)
        if verification.isRequired {
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        } else {
            // The handshake goes on with a bad certificate; `SSL_get_verify_result` remembers.
            SSL_CTX_set_verify(context, SSL_VERIFY_PEER, { _, _ in 1 })
        }
    }

    private func trustAuthorities(_ pem: [UInt8]) throws(TransportError) {
        let authorities = try PEM.certificates(pem)
        guard !authorities.isEmpty else {
            throw TransportError(.certificate, "no certificate authority in the PEM text")
        }
        let store = SSL_CTX_get_cert_store(context)
        for authority in authorities {
            X509_STORE_add_cert(store, authority)
            X509_free(authority)
        }
        ERR_clear_error()
    }

    private func selectClientTrust(_ ssl: OpaquePointer) -> Bool {
        let trust: TLSClientTrust? = clientTrusts.withLock { trusts in
            if trusts.isEmpty { return nil }
            var bytes: UnsafePointer<UInt8>?
            let count = martlet_client_hello_name(ssl, &bytes)
            return trusts.trust(
                for: count > 0 ? String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self) : nil)
        }
        return trust.map { $0.apply(to: ssl) } ?? true
    }

    private func selectCertificate(_ ssl: OpaquePointer) -> Bool {
        let name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
        guard let identity = certificates.withLock({ $0.identity(for: name) }) else { return false }
        return martlet_ssl_use_identity(ssl, identity.certificate, identity.key, identity.chain) == 1
    }

    /// Our first protocol that the client offers, as a range of its list. The list is OpenSSL-checked, but bounds
    /// are checked here again.
    private func selectProtocol(_ offer: UnsafeBufferPointer<UInt8>) -> (start: Int, count: UInt8)? {
        var own = 0
        while own < protocols.count {
            let count = Int(protocols[own])
            let wanted = protocols[own + 1..<own + 1 + count]
            var position = 0
            while position < offer.count {
                let length = Int(offer[position])
                let end = position + 1 + length
                guard end <= offer.count else { break }
                if length == count, offer[position + 1..<end].elementsEqual(wanted) {
                    return (position + 1, UInt8(length))
                }
                position = end
            }
            own += 1 + count
        }
        return nil
    }

    private static func wireFormat(_ protocols: [String]) -> [UInt8] {
        protocols.flatMap { name in [UInt8(clamping: name.utf8.count)] + Array(name.utf8.prefix(255)) }
    }
}
