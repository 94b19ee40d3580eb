package import KubeModel

/// What is kept of a Secret of type `kubernetes.io/basic-auth`: the password, for sessions with routers.
package struct KeptPassword: KeptObject {
    package static let type = "kubernetes.io/basic-auth"

    package var identity: KeptIdentity
    /// Nil when it is missing or unreadable.
    package var password: [UInt8]?

    package init(_ secret: Secret) {
        identity = KeptIdentity(secret.metadata)
        password = secret.type == Self.type ? secret.bytes(forKey: "password") : nil
    }
}
