/// Who a request comes from.
struct User: Sendable, Hashable {
    var name: String
    var uid = ""
    var groups: [String] = []

    static let anonymous = User(name: "system:anonymous", groups: ["system:unauthenticated"])
    /// Whoever can open the server's unix socket.
    static let local = User(name: "system:admin", groups: ["system:masters", "system:authenticated"])

    var isAnonymous: Bool { name == Self.anonymous.name }
}
