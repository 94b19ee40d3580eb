import APIResources
import KubeModel

/// Finds out who sent a request, in Kubernetes' order: client certificate, then bearer token, also that of a
/// WebSocket; the unix socket last.
struct Authenticator: Sendable {
    var tokens: TokenFile?
    /// nil where there are no Secrets.
    var bootstrapTokens: BootstrapTokenAuthenticator?

    /// The sender, or nil for a request without credentials.
    /// - Throws: 401 for credentials that are there and wrong.
    func authenticate(_ request: IncomingRequest) throws(Status) -> UserInfo? {
        if case .certificate(let name, let organizations) = request.origin, !name.isEmpty {
            return UserInfo(name: name, groups: organizations + ["system:authenticated"])
        }
        if let header = request.authorization {
            let parts = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" {
                return try owner(ofToken: String(parts[1]))
            }
        }
        if let token = request.webSocketToken { return try owner(ofToken: token) }
        return request.origin == .unixSocket ? .local : nil
    }

    private func owner(ofToken token: String) throws(Status) -> UserInfo {
        if let user = tokens?[token] { return user }
        guard let user = try bootstrapTokens?.authenticate(token) else { throw Status.unauthorized() }
        return user
    }

    /// Whom a bearer token belongs to.
    func user(ofToken token: String) -> UserInfo? {
        // Why a token is not accepted is for who sent it.
        tokens?[token] ?? (try? bootstrapTokens?.authenticate(token))
    }

    /// Whether some credentials here belong to this user name. Whom the client CA has signed for is not known until they
    /// come.
    func hasCredentials(for name: String) -> Bool {
        name == UserInfo.local.name || tokens?.names.contains(name) == true
    }

    /// For whom tokens are meant that say nothing about it: this API (Kubernetes' default issuer).
    static let audiences = ["https://kubernetes.default.svc.cluster.local"]
}
