/// A bootstrap token, by which a machine without credentials asks for some: `ID.SECRET`. The id may be shown, the secret
/// may not (Kubernetes: "Authenticating with Bootstrap Tokens").
public struct BootstrapToken: Hashable, Sendable {
    public let id: String
    public let secret: String

    /// The namespace of the Secrets that keep tokens.
    public static let namespace = "kube-system"
    public static let secretType = "bootstrap.kubernetes.io/token"
    /// The group of whoever comes with a bootstrap token.
    public static let group = "system:bootstrappers"
    private static let idCount = 6
    private static let secretCount = 16

    /// Reads `[a-z0-9]{6}.[a-z0-9]{16}`; nil for everything else.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        self.init(id: String(parts[0]), secret: String(parts[1]))
    }

    public init?(id: String, secret: String) {
        guard Self.isID(id), secret.utf8.count == Self.secretCount, secret.utf8.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.id = id
        self.secret = secret
    }

    /// A new one from the system's random source.
    public static func random() -> BootstrapToken {
        var generator = SystemRandomNumberGenerator()
        let letters = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        func text(_ count: Int) -> String {
            String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] })
        }
        return BootstrapToken(unchecked: text(idCount), text(secretCount))
    }

    private init(unchecked id: String, _ secret: String) {
        self.id = id
        self.secret = secret
    }

    public static func isID(_ text: some StringProtocol) -> Bool {
        text.utf8.count == idCount && text.utf8.allSatisfy(isAllowed)
    }

    public var text: String { "\(id).\(secret)" }
    /// The name of the Secret that keeps it.
    public var secretName: String { Self.secretName(id: id) }
    public static func secretName(id: String) -> String { "bootstrap-token-\(id)" }

    /// Whether the secrets are the same, in a time that does not depend on where they differ.
    public func hasSecret(_ other: [UInt8]) -> Bool {
        let own = Array(secret.utf8)
        guard own.count == other.count else { return false }
        var difference: UInt8 = 0
        for index in own.indices { difference |= own[index] ^ other[index] }
        return difference == 0
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }
}
