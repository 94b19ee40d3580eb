internal import COpenSSL
internal import Glibc

/// One TLS connection over a non-blocking socket: a plain value around OpenSSL's `SSL`, made by
/// ``TLSContext/session(descriptor:serverName:)``. The holder calls ``free()`` exactly once, before the descriptor is
/// closed. Loop thread only.
package struct TLSSession {
    package enum Handshake: Sendable, Hashable {
        case complete
        /// Try again at the next readiness event.
        case wouldBlock
        /// The peer closed or the handshake failed; `reason` is OpenSSL's.
        case failed(reason: String)
    }

    /// Bytes that one record holds at most (RFC 8446, 5.1).
    static let recordSize = 16_384

    let ssl: OpaquePointer

    init(ssl: OpaquePointer) { self.ssl = ssl }

    /// Continues the handshake.
    package func handshake() -> Handshake {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 { return .complete }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        default: return .failed(reason: verificationFailure ?? openSSLErrorText() ?? "the peer closed the connection")
        }
    }

    /// Reads at most one record.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Socket.Transfer {
        ERR_clear_error()
        var count = 0
        let result = SSL_read_ex(ssl, buffer.baseAddress, buffer.count, &count)
        if result == 1 { return .bytes(count) }
        return transfer(result)
    }

    /// Writes up to one record a system call. After `.wouldBlock` the next call must begin with the same bytes and
    /// be at least as long.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Socket.Transfer {
        guard !bytes.isEmpty else { return .bytes(0) }
        ERR_clear_error()
        var count = 0
        let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count)
        if result == 1 { return .bytes(count) }
        return transfer(result)
    }

    /// Sends close_notify (best effort), so that the peer knows that nothing was cut off.
    package func shutdown() {
        ERR_clear_error()
        if SSL_is_init_finished(ssl) == 1 { _ = SSL_shutdown(ssl) }
    }

    /// Frees OpenSSL's state. The value must not be used afterwards.
    package func free() { SSL_free(ssl) }

    /// The protocol chosen by ALPN (`h2`, `http/1.1`), known after the handshake.
    package var applicationProtocol: String? {
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &bytes, &count)
        guard let bytes, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    /// `TLSv1.2` or `TLSv1.3`.
    package var version: String { SSL_get_version(ssl).map { String(cString: $0) } ?? "" }

    package var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The name the client asked for by SNI.
    package var serverName: String? {
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }

    /// The peer's certificate subject, if it sent one and it was verified.
    package var peerSubject: CertificateSubject? {
        guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let certificate = SSL_get0_peer_certificate(ssl) else {
            return nil
        }
        return CertificateSubject(certificate: certificate)
    }

    private var verificationFailure: String? {
        let result = SSL_get_verify_result(ssl)
        guard result != Int(X509_V_OK), let text = X509_verify_cert_error_string(result) else { return nil }
        return "the peer's certificate: " + String(cString: text)
    }

    private func transfer(_ result: Int32) -> Socket.Transfer {
        let savedErrno = errno
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL:
            return savedErrno == 0 || savedErrno == EPIPE || savedErrno == ECONNRESET ? .closed : .failed(savedErrno)
        default:
            // A TCP end of stream without close_notify, or a broken record: either way the connection is over.
            return .failed(EPROTO)
        }
    }
}

/// The oldest queued OpenSSL error of this thread, and empties the queue.
func openSSLErrorText() -> String? {
    let code = ERR_get_error()
    ERR_clear_error()
    guard code != 0 else { return nil }
    return ERR_reason_error_string(code).map { String(cString: $0) } ?? "OpenSSL error \(code)"
}
