package import KubeModel

/// What is kept of a Secret of type `kubernetes.io/tls`.
package struct KeptSecret: KeptObject {
    package var metadata: ObjectMeta
    /// Nil when a part is missing or unreadable.
    package var certificate: TLSSecret?

    package init(_ secret: Secret) {
        metadata = .identity(of: secret.metadata)
        certificate = TLSSecret(secret)
    }
}
