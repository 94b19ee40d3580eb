package import KubeModel

/// What is kept of a Secret of type `kubernetes.io/tls`.
package struct KeptSecret: KeptObject {
    package var identity: KeptIdentity
    /// Nil when a part is missing or unreadable.
    package var certificate: TLSSecret?

    package init(_ secret: Secret) {
        identity = KeptIdentity(secret.metadata)
        certificate = TLSSecret(secret)
    }
}
