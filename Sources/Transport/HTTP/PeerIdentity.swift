package import NetworkTypes

/// Who is on the other side of a connection, as far as the transport knows.
package struct PeerIdentity: Sendable, Hashable {
    /// The connection came over a unix socket: its file's permissions were the access check.
    package var isUnixSocket: Bool
    /// The subject of the client's certificate, only if it was verified against the configured CA.
    package var clientCertificate: CertificateSubject?
    /// The remote address; nil for unix sockets.
    package var address: SocketAddress?
    package var isTLS: Bool

    package init(
        isUnixSocket: Bool = false, clientCertificate: CertificateSubject? = nil, address: SocketAddress? = nil,
        isTLS: Bool = false
    ) {
        self.isUnixSocket = isUnixSocket
        self.clientCertificate = clientCertificate
        self.address = address
        self.isTLS = isTLS
    }
}
