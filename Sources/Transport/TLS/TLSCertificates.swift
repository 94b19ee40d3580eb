/// The certificates of a TLS server: one for each host name, and the one for every other. Build a new value and hand
/// it to ``TLSContext/replaceCertificates(_:)`` to change them; running connections keep theirs.
package struct TLSCertificates: Sendable {
    /// By lower-case host name; `*.example.com` covers exactly one more label.
    package var byName: [String: TLSIdentity]
    /// For clients that name no host, or one that is not in `byName`. nil refuses those handshakes.
    package var fallback: TLSIdentity?

    package init(byName: [String: TLSIdentity] = [:], fallback: TLSIdentity?) {
        self.byName = byName
        self.fallback = fallback
    }

    /// The exact name, then the wildcard one label up, then the fallback.
    package func identity(for serverName: String?) -> TLSIdentity? {
        guard let serverName, !byName.isEmpty else { return fallback }
        let name = serverName.lowercased()
        if let identity = byName[name] { return identity }
        if let dot = name.firstIndex(of: "."), let identity = byName["*" + name[dot...]] { return identity }
        return fallback
    }
}
