package import KubeModel
import Transport

/// What the L7 front uses of a Secret of type `kubernetes.io/tls`.
package struct TLSSecret: Hashable, Sendable {
    package var certificateChainPEM: [UInt8]
    package var privateKeyPEM: [UInt8]
    /// The names in the certificate, lower case, maybe `*.` in front.
    package var dnsNames: [String]

    package init(certificateChainPEM: [UInt8], privateKeyPEM: [UInt8], dnsNames: [String] = []) {
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.dnsNames = dnsNames
    }

    /// Whether the certificate names a host; a wildcard covers one label.
    package func covers(_ host: String) -> Bool {
        let host = host.lowercased()
        let parent = host.firstIndex(of: ".").map { host[$0...] }
        return dnsNames.contains { $0 == host || $0.hasPrefix("*.") && parent == $0.dropFirst() }
    }

    /// What is served after a Secret changed to `secret`: it, or what was served before if it cannot be. A renewal that
    /// writes certificate and key one after the other, or a mistake, does not take a working certificate away.
    ///
    /// - Returns: the certificate, and whether the Secret was passed over for it.
    package static func served(_ secret: Secret, before: TLSSecret?) -> (certificate: TLSSecret?, isStale: Bool) {
        served(TLSSecret(secret), before: before)
    }

    /// The same for what was read of a Secret, nil where it cannot be served.
    package static func served(_ read: TLSSecret?, before: TLSSecret?) -> (certificate: TLSSecret?, isStale: Bool) {
        if let read { return (read, false) }
        return (before, before != nil)
    }

    /// Nil when a part is missing, cannot be read or does not belong to the other.
    package init?(_ secret: Secret) {
        guard let certificate = secret.data?["tls.crt"].flatMap({ Base64.decode($0) }), !certificate.isEmpty,
            let key = secret.data?["tls.key"].flatMap({ Base64.decode($0) }), !key.isEmpty
        else { return nil }
        self.init(certificatePEM: certificate, keyPEM: key)
    }

    /// Nil when a part cannot be read or does not belong to the other.
    package init?(certificatePEM: [UInt8], keyPEM: [UInt8]) {
        // Which part is wrong is the ingress controller's to tell.
        guard let identity = try? TLSIdentity(certificatePEM: certificatePEM, keyPEM: keyPEM) else { return nil }
        self.init(certificateChainPEM: certificatePEM, privateKeyPEM: keyPEM, dnsNames: identity.dnsNames)
    }
}
