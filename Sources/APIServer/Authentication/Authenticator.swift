import KubeModel

/// Finds out who sent a request, in Kubernetes' order: client certificate, then bearer token; the unix socket last.
struct Authenticator: Sendable {
    var tokens: TokenFile?

    /// The sender, or nil for a request without credentials.
    /// - Throws: 401 for credentials that are there and wrong.
    func authenticate(_ request: IncomingRequest) throws(Status) -> User? {
        if case .certificate(let name, let organizations) = request.origin, !name.isEmpty {
            return User(name: name, groups: organizations + ["system:authenticated"])
        }
        if let header = request.authorization {
            let parts = header.split(separator: " ", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == "bearer" {
                guard let user = tokens?[String(parts[1])] else { throw Status.unauthorized() }
                return user
            }
        }
        return request.origin == .unixSocket ? .local : nil
    }
}
