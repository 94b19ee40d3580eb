/// Who may come by name and password (RFC 7617). Others get 401; without the Secret nobody is let in.
public struct RouteBasicAuthentication: Codable, Hashable, Sendable {
    /// A Secret of the table's namespace with names and hashes of passwords.
    public var secretName: String
    /// Of ``allSecretTypes``: `auth-file` (as it is without it) is a file of htpasswd under the key `auth`; with `auth-map` each key
    /// is a name, and its value the hash.
    public var secretType: String?
    /// What clients are told that the password is for.
    public var realm: String?

    public static let allSecretTypes = ["auth-file", "auth-map"]

    public init(secretName: String = "", secretType: String? = nil, realm: String? = nil) {
        self.secretName = secretName
        self.secretType = secretType
        self.realm = realm
    }

    /// Whether a text can be told as ``realm``: up to 256 characters of ASCII that can be seen, and spaces.
    public static func isRealm(_ text: String) -> Bool {
        text.utf8.count <= 256 && text.utf8.allSatisfy { 0x20..<0x7F ~= $0 }
    }
}
