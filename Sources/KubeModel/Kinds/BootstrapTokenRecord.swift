/// What a Secret of type `bootstrap.kubernetes.io/token` says about its token, with Kubernetes' keys.
public struct BootstrapTokenRecord: Hashable, Sendable {
    public var token: BootstrapToken
    public var description: String
    /// Not good from this moment on; nil for a token without an end.
    public var expiration: Timestamp?
    /// `usage-bootstrap-authentication`: it may authenticate requests.
    public var authenticates: Bool
    /// `usage-bootstrap-signing`: it signs ConfigMap `cluster-info`.
    public var signs: Bool
    /// `auth-extra-groups`: each begins with `system:bootstrappers:`.
    public var extraGroups: [String]

    public init(
        token: BootstrapToken, description: String = "", expiration: Timestamp? = nil, authenticates: Bool = true,
        signs: Bool = false, extraGroups: [String] = []
    ) {
        self.token = token
        self.description = description
        self.expiration = expiration
        self.authenticates = authenticates
        self.signs = signs
        self.extraGroups = extraGroups
    }

    /// Why a Secret is no token.
    public struct Malformed: Error, Hashable, CustomStringConvertible {
        public var description: String
    }

    /// Reads a Secret. Whatever it says that cannot be understood makes it no token: a guard that is not understood is
    /// closed.
    public init(_ secret: Secret) throws(Malformed) {
        func text(_ key: String) throws(Malformed) -> String? {
            guard secret.data?[key] != nil else { return nil }
            guard let bytes = secret.bytes(forKey: key), let text = String(validating: bytes, as: UTF8.self) else {
                throw Malformed(description: "\(key) is not text")
            }
            return text
        }
        func flag(_ key: String) throws(Malformed) -> Bool { try text(key) == "true" }
        guard secret.type == BootstrapToken.secretType else {
            throw Malformed(description: "its type is not \(BootstrapToken.secretType)")
        }
        guard let token = BootstrapToken(id: try text("token-id") ?? "", secret: try text("token-secret") ?? "") else {
            throw Malformed(description: "token-id and token-secret are not of the form [a-z0-9]{6} and [a-z0-9]{16}")
        }
        guard secret.metadata.name == token.secretName else {
            throw Malformed(description: "its name is not \(BootstrapToken.secretName(id: token.id))")
        }
        var expiration: Timestamp?
        if let moment = try text("expiration"), !moment.isEmpty {
            guard let time = Timestamp(moment) else {
                throw Malformed(description: "expiration is not a time such as 2026-01-02T15:04:05Z")
            }
            expiration = time
        }
        let groups = (try text("auth-extra-groups") ?? "").split(separator: ",").map(String.init)
        for group in groups where !Self.isBootstrapGroup(group) {
            throw Malformed(description: "auth-extra-groups: a group begins with \(BootstrapToken.group):")
        }
        self.init(
            token: token, description: try text("description") ?? "", expiration: expiration,
            authenticates: try flag("usage-bootstrap-authentication"), signs: try flag("usage-bootstrap-signing"),
            extraGroups: groups)
    }

    /// `system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]`.
    public static func isBootstrapGroup(_ group: String) -> Bool {
        let prefix = "\(BootstrapToken.group):"
        guard group.hasPrefix(prefix) else { return false }
        let rest = Array(group.utf8.dropFirst(prefix.utf8.count))
        func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) }
        guard let last = rest.last, rest.count <= 256, isLetter(last) else { return false }
        return rest.allSatisfy { isLetter($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "-") }
    }

    public func isExpired(at now: Timestamp) -> Bool { expiration.map { $0 <= now } ?? false }

    /// The document of its Secret.
    public var secret: Secret {
        var data = [
            "token-id": token.id, "token-secret": token.secret,
            "usage-bootstrap-authentication": authenticates ? "true" : "false",
            "usage-bootstrap-signing": signs ? "true" : "false",
        ]
        if !description.isEmpty { data["description"] = description }
        if let expiration { data["expiration"] = expiration.description }
        if !extraGroups.isEmpty { data["auth-extra-groups"] = extraGroups.joined(separator: ",") }
        return Secret(
            metadata: ObjectMeta(name: token.secretName, namespace: BootstrapToken.namespace),
            type: BootstrapToken.secretType, data: data.mapValues { Base64.encode(Array($0.utf8)) })
    }
}
