import APIResources
import KubeModel

/// Authenticates by the Secrets of type `bootstrap.kubernetes.io/token` in `kube-system`, as they are at this moment.
struct BootstrapTokenAuthenticator: Sendable {
    static let userPrefix = "system:bootstrap:"

    /// The Secret of that name in `kube-system` as it is now; nil when there is none.
    let secret: @Sendable (_ name: String) -> JSONValue?
    var clock: @Sendable () -> Timestamp = { Timestamp.now }

    /// The user of a token; nil for a text that is no bootstrap token.
    ///
    /// - Throws: 401. Only who knows the secret is told more than that.
    func authenticate(_ text: String) throws(Status) -> UserInfo? {
        guard let token = BootstrapToken(text) else { return nil }
        guard let document = secret(token.secretName), document["metadata"]["deletionTimestamp"].string == nil,
            let record = Self.record(document), token.hasSecret(Array(record.token.secret.utf8))
        else { throw Status.unauthorized() }
        if let end = record.expiration, record.isExpired(at: clock()) {
            throw Status.unauthorized("Unauthorized: bootstrap token \(token.id) expired at \(end)")
        }
        guard record.authenticates else {
            throw Status.unauthorized("Unauthorized: bootstrap token \(token.id) is not for authentication")
        }
        return UserInfo(
            name: Self.userPrefix + token.id,
            groups: [BootstrapToken.group] + record.extraGroups + ["system:authenticated"])
    }

    private static func record(_ document: JSONValue) -> BootstrapTokenRecord? {
        // A Secret that cannot be read, or says what is not understood, is no token.
        guard let secret = try? Secret(json: document) else { return nil }
        return try? BootstrapTokenRecord(secret)
    }
}
