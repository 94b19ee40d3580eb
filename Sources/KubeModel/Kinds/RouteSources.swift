/// Who may come, by the address that requests come from. Others get 403.
public struct RouteSources: Codable, Hashable, Sendable {
    /// Addresses and networks (`192.0.2.0/24`, `2001:db8::1`) that may come; everybody without it, nobody with an empty list.
    public var allow: [String]?
    /// Those that may not, also where `allow` has them.
    public var deny: [String]?

    public init(allow: [String]? = nil, deny: [String]? = nil) {
        self.allow = allow
        self.deny = deny
    }
}
