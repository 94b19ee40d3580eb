package import Transport

/// How connections to an upstream's endpoints are encrypted, and who is believed to be there.
package struct UpstreamTLS: Sendable, Hashable {
    package enum Verification: Sendable, Hashable {
        /// Encryption alone: whoever answers is taken for the endpoint (ingress-nginx' default, `proxy-ssl-verify off`).
        case none
        /// A certificate for ``UpstreamTLS/serverName`` from one of the authorities of the system.
        case system
        /// A certificate for ``UpstreamTLS/serverName`` from one of these authorities.
        case authorities(pem: [UInt8])
    }

    /// What the certificate must be for where it is verified (then it must be there).
    package var serverName: String?
    /// ``serverName`` is sent by SNI.
    package var sendsServerName: Bool
    package var verification: Verification
    /// Shown to endpoints that ask for a certificate.
    package var certificateChainPEM: [UInt8]?
    package var privateKeyPEM: [UInt8]?
    package var policy: TLSPolicy

    package init(
        serverName: String? = nil, sendsServerName: Bool = true, verification: Verification = .none,
        certificateChainPEM: [UInt8]? = nil, privateKeyPEM: [UInt8]? = nil, policy: TLSPolicy = TLSPolicy()
    ) {
        self.serverName = serverName
        self.sendsServerName = sendsServerName
        self.verification = verification
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.policy = policy
    }
}
