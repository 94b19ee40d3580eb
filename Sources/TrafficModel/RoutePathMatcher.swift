/// Path matching of Ingress rules (Kubernetes, Ingress, "Path types"): pure text, case-sensitive, without decoding.
package enum RoutePathMatcher {
    /// Whether `path` equals `prefix` element by element from its start: `/a/b` covers `/a/b`, `/a/b/` and `/a/b/c`
    /// but not `/a/bc`. A slash at the end of the prefix makes no difference.
    package static func prefix(_ prefix: String, covers path: some StringProtocol) -> Bool {
        var wanted = Substring(prefix).utf8
        if wanted.last == UInt8(ascii: "/") { wanted = wanted.dropLast() }
        let actual = path.utf8
        guard actual.starts(with: wanted) else { return false }
        let rest = actual.dropFirst(wanted.count)
        return rest.isEmpty || rest.first == UInt8(ascii: "/")
    }

    /// The prefix without the slash at its end; `/` becomes empty. Prefixes with equal forms cover the same paths.
    package static func canonicalPrefix(_ prefix: String) -> String {
        // By bytes: a character before the slash may make one with it, to Unicode.
        prefix.utf8.last == UInt8(ascii: "/") ? String(prefix.unicodeScalars.dropLast()) : prefix
    }
}
