import KubeModel
import TrafficModel

/// A host and path that a table lays claim to; equal claims of two tables are a conflict. Equal are the same bytes, as on
/// the wire: a composed and a decomposed `é` are two paths.
struct RouteClaim: Hashable, Sendable, CustomStringConvertible {
    /// Lower case, empty for every host.
    let host: ByteKey
    let isExact: Bool
    /// For prefixes without the slash at the end.
    let path: ByteKey

    init(host: String?, path: RoutePath) {
        self.host = ByteKey((host ?? "").lowercased())
        isExact = path.pathType == "Exact"
        self.path = ByteKey(isExact ? path.path : RoutePathMatcher.canonicalPrefix(path.path))
    }

    /// One line of ASCII, the same for equal claims only: the key in an index, which compares as texts do.
    var indexValue: String { "\(Self.ascii(host))|\(isExact ? "=" : "^")|\(Self.ascii(path))" }

    var description: String {
        let host = host.text.isEmpty ? "*" : host.text
        let path = path.text.isEmpty ? "/" : path.text
        return "host \"\(host)\" path \"\(path)\" (\(isExact ? "Exact" : "Prefix"))"
    }

    /// Bytes above 127 as in a URL, and the percent sign so that nothing else looks like them.
    private static func ascii(_ key: ByteKey) -> String {
        guard !key.text.utf8.allSatisfy({ $0 < 0x80 && $0 != UInt8(ascii: "%") }) else { return key.text }
        return key.text.utf8.map { byte in
            byte < 0x80 && byte != UInt8(ascii: "%")
                ? String(UnicodeScalar(byte)) : "%" + String(byte, radix: 16)
        }.joined()
    }

    static func all(of table: RouteTable) -> [RouteClaim] {
        (table.spec?.rules ?? []).flatMap { rule in
            (rule.paths ?? []).map { RouteClaim(host: rule.host, path: $0) }
        }
    }
}
