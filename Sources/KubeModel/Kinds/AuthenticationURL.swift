/// Whom a request is judged by (ingress-nginx' `auth-url`): `http://auth.shop.svc.cluster.local:8080/check?x=$arg_x`. Pure.
public struct AuthenticationURL: Hashable, Sendable {
    public enum Host: Hashable, Sendable {
        /// In lower case: a name, or an address, of IPv6 without brackets.
        case named(String)
        /// The one that the request names: `$host`.
        case ofRequest
    }

    public struct Failure: Error, Hashable, CustomStringConvertible {
        public var description: String
    }

    public let isSecure: Bool
    public let host: Host
    /// nil for the scheme's own.
    public let port: UInt16?
    /// Path and query.
    public let target: RequestTextTemplate

    /// - Throws: for what is no absolute URL of http or https with a host that is fixed, or the request's own.
    public init(_ text: String) throws(Failure) {
        let rest: Substring
        if text.hasPrefix("https://") {
            isSecure = true
            rest = text.dropFirst(8)
        } else if text.hasPrefix("http://") {
            isSecure = false
            rest = text.dropFirst(7)
        } else {
            throw Failure(description: "is no absolute URL of http or https")
        }
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let suffix = rest[authority.endIndex...]
        if suffix.contains("#") { throw Failure(description: "has a fragment") }
        if ["$host", "${host}", "$http_host", "$best_http_host"].contains(String(authority)) {
            host = .ofRequest
            port = nil
        } else {
            let name = /([0-9A-Za-z]([0-9A-Za-z._\-]*[0-9A-Za-z])?\.?|\[[0-9A-Fa-f:.]+\])(:([0-9]{1,5}))?/
            guard let match = authority.wholeMatch(of: name), authority.utf8.count <= 259 else {
                throw Failure(description: "has a host that is neither a name, an address nor $host")
            }
            host = .named(match.output.1.filter { $0 != "[" && $0 != "]" }.lowercased())
            if let digits = match.output.4 {
                guard let number = UInt16(digits), number > 0 else { throw Failure(description: "has no such port") }
                port = number
            } else {
                port = nil
            }
        }
        do {
            target = try RequestTextTemplate(suffix.hasPrefix("/") ? String(suffix) : "/" + suffix, isURL: true)
        } catch {
            throw Failure(description: error.description)
        }
        // Where its path is somebody else's, the question would be, too.
        guard case .text(let start)? = target.parts.first, start.hasPrefix("/") else {
            throw Failure(description: "has a path that begins with a variable")
        }
    }

    public var effectivePort: UInt16 { port ?? (isSecure ? 443 : 80) }

    /// The Service that the host names as in DNS, `NAME.NAMESPACE.svc` with or without `.cluster.local`; nil for another host.
    public var service: NamespacedName? {
        guard case .named(let name) = host else { return nil }
        var labels = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if labels.last?.isEmpty == true { labels.removeLast() }
        if labels.suffix(2) == ["cluster", "local"] { labels.removeLast(2) }
        guard labels.count == 3, labels[2] == "svc", Validation.dns1123Label(labels[0]).isEmpty,
            Validation.dns1123Label(labels[1]).isEmpty
        else { return nil }
        return NamespacedName(namespace: labels[1], name: labels[0])
    }
}
