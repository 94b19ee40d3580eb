/// How the endpoints of a route's backend are spoken to over TLS, where they speak it (nginx' `proxy_ssl_*`).
public struct RouteBackendTLS: Codable, Hashable, Sendable {
    /// They need a certificate for ``serverName``, from an authority of the Secret's `ca.crt`, or without a Secret from one of
    /// the data plane's system. Nothing is sent to those that have none, nor where the Secret is missing or unfit.
    public var verify: Bool?
    /// A Secret of the table's namespace: `ca.crt`, and `tls.crt` with `tls.key`, which are shown to endpoints that ask.
    public var secretName: String?
    /// `SERVICE.NAMESPACE.svc` without it.
    public var serverName: String?
    /// ``serverName`` is sent by SNI.
    public var sendsServerName: Bool?
    /// How many intermediate certificates there may be; 1 without it.
    public var depth: Int?
    /// Of ``allProtocols``; all without it.
    public var protocols: [String]?
    /// For TLS 1.2, as OpenSSL has them.
    public var ciphers: String?

    public static let allProtocols = ["TLSv1.2", "TLSv1.3"]

    public init(
        verify: Bool? = nil, secretName: String? = nil, serverName: String? = nil, sendsServerName: Bool? = nil,
        depth: Int? = nil, protocols: [String]? = nil, ciphers: String? = nil
    ) {
        self.verify = verify
        self.secretName = secretName
        self.serverName = serverName
        self.sendsServerName = sendsServerName
        self.depth = depth
        self.protocols = protocols
        self.ciphers = ciphers
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteBackendTLS() }
}

extension RouteBackendTLS: CustomStringConvertible {
    public var description: String {
        var words = ["tls"]
        if let verify { words.append(verify ? "verified" : "unverified") }
        if let secretName { words.append("secret=\(secretName)") }
        if let serverName { words.append("name=\(serverName)") }
        if let sendsServerName { words.append(sendsServerName ? "sni" : "no-sni") }
        if let depth { words.append("depth=\(depth)") }
        if let protocols { words.append(protocols.joined(separator: ",")) }
        if let ciphers { words.append("ciphers=\(ciphers)") }
        return words.joined(separator: " ")
    }
}

extension RouteBackendTLS {
    /// Whether a text has only what lists of ciphers are made of; OpenSSL may know none of them all the same.
    public static func isCipherList(_ text: String) -> Bool {
        (1...1024).contains(text.utf8.count)
            && text.utf8.allSatisfy { ($0 | 0x20) &- 0x61 < 26 || $0 &- 0x30 < 10 || ":+-_!@=".utf8.contains($0) }
    }
}
