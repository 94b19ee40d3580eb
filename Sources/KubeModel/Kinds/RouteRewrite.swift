/// What becomes of the path of a RouteTable's requests (ingress-nginx' `rewrite-target`).
public struct RouteRewrite: Codable, Hashable, Sendable {
    /// The path and query for the backend; `$1` to `$9` are what the groups of the route's path have captured.
    public var target: String
    /// The value of the field `X-Forwarded-Prefix` for the backend; none without it.
    public var forwardedPrefix: String?

    public init(
        target: String = "", forwardedPrefix: String? = nil
    ) {
        self.target = target
        self.forwardedPrefix = forwardedPrefix
    }
}

extension RouteTableSpec {
    /// Whether requests of a path are sent on under another one. As in ingress-nginx, a target that is the path itself
    /// changes nothing.
    package func rewrites(_ path: RoutePath) -> Bool {
        rewrite.map { !$0.target.isEmpty && ByteKey($0.target) != ByteKey(path.path) } ?? false
    }

    /// Whether this table makes the paths of a rule's host regular expressions: it wants it, or rewrites one of them.
    package func hasPatterns(_ rule: RouteTableRule) -> Bool {
        pathPatterns ?? false || (rule.paths ?? []).contains { rewrites($0) }
    }
}
