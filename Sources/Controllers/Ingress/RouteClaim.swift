import KubeModel
import TrafficModel

/// A host and path that a table lays claim to; equal claims of two tables are a conflict.
struct RouteClaim: Hashable, Sendable, CustomStringConvertible {
    /// Lower case, empty for every host.
    var host: String
    var isExact: Bool
    /// For prefixes without the slash at the end.
    var path: String

    init(host: String?, path: RoutePath) {
        self.host = (host ?? "").lowercased()
        isExact = path.pathType == "Exact"
        self.path = isExact ? path.path : RoutePathMatcher.canonicalPrefix(path.path)
    }

    /// One line that differs for different claims: the key in an index.
    var indexValue: String { "\(host)|\(isExact ? "=" : "^")|\(path)" }

    var description: String {
        "host \"\(host.isEmpty ? "*" : host)\" path \"\(path.isEmpty ? "/" : path)\" (\(isExact ? "Exact" : "Prefix"))"
    }

    static func all(of table: RouteTable) -> [RouteClaim] {
        (table.spec?.rules ?? []).flatMap { rule in
            (rule.paths ?? []).map { RouteClaim(host: rule.host, path: $0) }
        }
    }
}
