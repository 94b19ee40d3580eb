package import KubeModel
package import Passwords

/// What the L7 front uses of a Secret that routes name beside their certificates. What is not there is nil; whether it is
/// sound is found out by whoever uses it.
package struct NamedSecret: Hashable, Sendable {
    /// `ca.crt`.
    package var authoritiesPEM: [UInt8]?
    /// `ca.crl`.
    package var revocationsPEM: [UInt8]?
    /// `tls.crt` and `tls.key`.
    package var certificateChainPEM: [UInt8]?
    package var privateKeyPEM: [UInt8]?
    /// Of `auth`, a file of htpasswd.
    package var passwordFile: PasswordFile?
    /// Of all keys, each a user.
    package var passwordMap: PasswordFile?

    package init(
        authoritiesPEM: [UInt8]? = nil, revocationsPEM: [UInt8]? = nil, certificateChainPEM: [UInt8]? = nil,
        privateKeyPEM: [UInt8]? = nil, passwordFile: PasswordFile? = nil, passwordMap: PasswordFile? = nil
    ) {
        self.authoritiesPEM = authoritiesPEM
        self.revocationsPEM = revocationsPEM
        self.certificateChainPEM = certificateChainPEM
        self.privateKeyPEM = privateKeyPEM
        self.passwordFile = passwordFile
        self.passwordMap = passwordMap
    }

    /// It has nothing for TLS.
    package var isWithoutTLS: Bool {
        authoritiesPEM == nil && revocationsPEM == nil && certificateChainPEM == nil && privateKeyPEM == nil
    }

    /// Nil where a part is not base64: nobody knows what its author meant.
    package init?(_ secret: Secret) {
        func read(_ key: String) -> [UInt8]?? {
            // An empty list of revocations is none that anybody made: it is no list, and lets nobody in.
            guard let text = secret.data?[key], !text.isEmpty || key == "ca.crl" else { return .some(nil) }
            return Base64.decode(text).map { .some($0) }
        }
        guard let authorities = read("ca.crt"), let revocations = read("ca.crl"), let chain = read("tls.crt"),
            let key = read("tls.key")
        else { return nil }
        self.init(
            authoritiesPEM: authorities, revocationsPEM: revocations, certificateChainPEM: chain, privateKeyPEM: key)
        readPasswords(secret.data ?? [:])
    }

    /// What nobody can come in with is none; the ingress controller tells why.
    private mutating func readPasswords(_ data: [String: String]) {
        let decoded = data.mapValues { Base64.decode($0) }
        if let lines = decoded["auth"].flatMap(\.self) { passwordFile = try? PasswordFile(lines: lines) }
        if !decoded.values.contains(nil) { passwordMap = try? PasswordFile(map: decoded.compactMapValues(\.self)) }
    }
}

/// Of such a Secret.
package struct KeptNamedSecret: KeptObject {
    package var identity: KeptIdentity
    /// Nil where it cannot be read.
    package var content: NamedSecret?

    package init(_ secret: Secret) {
        identity = KeptIdentity(secret.metadata)
        content = NamedSecret(secret)
    }
}

extension RouteTable {
    /// The Secrets that it names beside its certificates.
    var namedSecrets: Set<NamespacedName> {
        let backends = (spec?.rules ?? []).flatMap { ($0.paths ?? []).compactMap(\.backend) }
        let names =
            (backends + [spec?.defaultBackend].compactMap(\.self)).compactMap { $0.policy?.tls?.secretName }
            + [spec?.clientCertificates?.secretName, spec?.filters?.basicAuthentication?.secretName].compactMap(\.self)
        return Set(names.map { NamespacedName(namespace: metadata.namespace ?? "", name: $0) })
    }
}
