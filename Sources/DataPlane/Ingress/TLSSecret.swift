package import KubeModel

/// What the L7 front uses of a Secret of type `kubernetes.io/tls`.
package struct TLSSecret: Hashable, Sendable {
    package var certificateChainPEM: [UInt8]
    package var privateKeyPEM: [UInt8]

    package init(certificateChainPEM: [UInt8], privateKeyPEM: [UInt8]) {
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
    }

    /// Nil when a part is missing or is not base64.
    package init?(_ secret: Secret) {
        guard let certificate = secret.data?["tls.crt"].flatMap({ Base64.decode($0) }), !certificate.isEmpty,
            let key = secret.data?["tls.key"].flatMap({ Base64.decode($0) }), !key.isEmpty
        else { return nil }
        self.init(certificateChainPEM: certificate, privateKeyPEM: key)
    }
}
