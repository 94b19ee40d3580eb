import KubeModel

/// ingress-nginx' annotations about cookies by which clients find their endpoint again. Pure.
struct AffinityAnnotations: Hashable, Sendable {
    private static let prefix = "nginx.ingress.kubernetes.io/"

    /// All that are read here.
    static let keys: Set<String> = Set(
        [
            "affinity", "affinity-mode", "session-cookie-name", "session-cookie-path", "session-cookie-domain",
            "session-cookie-max-age", "session-cookie-expires", "session-cookie-samesite", "session-cookie-secure",
            "session-cookie-conditional-samesite-none", "session-cookie-change-on-failure",
        ].map { Self.prefix + $0 })

    /// Without seed, and without path where no annotation says it.
    private var wanted: RouteBackendAffinity?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    private(set) var problems: [String] = []

    init(_ annotations: [String: String]) {
        guard let kind = annotations[Self.prefix + "affinity"], !kind.isEmpty else { return }
        guard kind == "cookie" else {
            refuse("affinity", kind, "is not known (cookie is)")
            return
        }
        var affinity = RouteBackendAffinity()
        func value(_ name: String) -> String? {
            annotations[Self.prefix + name].flatMap { $0.isEmpty ? nil : $0 }
        }
        if let mode = value("affinity-mode") {
            if mode == "balanced" || mode == "persistent" {
                affinity.mode = mode
            } else {
                refuse("affinity-mode", mode, "is not known (balanced and persistent are)")
            }
        }
        if let name = value("session-cookie-name") {
            if name.utf8.count <= 64, name.utf8.allSatisfy(Self.isToken) {
                affinity.cookieName = name
            } else {
                refuse("session-cookie-name", name, "is no name of a cookie of up to 64 characters (RFC 6265)")
            }
        }
        if let path = value("session-cookie-path") {
            if Self.isPath(path) {
                affinity.path = path
            } else {
                refuse(
                    "session-cookie-path", path,
                    "is no path of a cookie: a slash and up to 255 characters, no semicolon")
            }
        }
        if let domain = value("session-cookie-domain") {
            if domain.utf8.count <= 253, domain.utf8.allSatisfy({ Self.isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E })
            {
                affinity.domain = domain
            } else {
                refuse("session-cookie-domain", domain, "is no domain")
            }
        }
        affinity.maxAge = seconds("session-cookie-max-age", value("session-cookie-max-age"))
        affinity.expires = seconds("session-cookie-expires", value("session-cookie-expires"))
        if let sameSite = value("session-cookie-samesite") {
            if let known = ["Strict", "Lax", "None"].first(where: { $0.lowercased() == sameSite.lowercased() }) {
                affinity.sameSite = known
            } else {
                refuse("session-cookie-samesite", sameSite, "is not known (Strict, Lax and None are)")
            }
        }
        affinity.conditionalSameSiteNone = boolean(
            "session-cookie-conditional-samesite-none", value("session-cookie-conditional-samesite-none"))
        affinity.secure = boolean("session-cookie-secure", value("session-cookie-secure"))
        affinity.changeOnFailure = boolean(
            "session-cookie-change-on-failure", value("session-cookie-change-on-failure"))
        wanted = affinity
    }

    /// What is told of them on a canary, whose sessions are its main Ingress'.
    var problemsOfCanary: [String] {
        wanted == nil
            ? problems
            : ["\(Self.prefix)affinity: has no effect on a canary, whose sessions are those of its main Ingress"]
    }

    /// The affinity of a route.
    ///
    /// - Parameters:
    ///   - path: of the route, which is the cookie's where no annotation says another, as in ingress-nginx.
    ///   - ingress: its UID, which nobody knows who only sends requests.
    func affinity(path: String, ingress uid: String?) -> RouteBackendAffinity? {
        guard var affinity = wanted else { return nil }
        if affinity.path == nil { affinity.path = Self.isPath(path) ? path : "/" }
        if affinity.mode == "persistent" { affinity.seed = uid }
        return affinity
    }

    private mutating func refuse(_ name: String, _ value: String, _ reason: String) {
        let start = value.prefix(63)
        let rest = start.endIndex == value.endIndex ? "" : "…"
        problems.append("\(Self.prefix)\(name): \"\(start)\(rest)\" \(reason), so that it has no effect")
    }

    private mutating func seconds(_ name: String, _ value: String?) -> Int? {
        guard let value else { return nil }
        // A cookie for longer than a hundred years is one for ever.
        if let number = Int(value), (0...3_155_760_000).contains(number) { return number }
        refuse(name, value, "is no number of seconds")
        return nil
    }

    private mutating func boolean(_ name: String, _ value: String?) -> Bool? {
        switch value?.lowercased() {
        case nil: return nil
        case "true": return true
        case "false": return false
        default:
            refuse(name, value ?? "", "is neither true nor false")
            return nil
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool { (byte | 0x20) &- 0x61 < 26 || byte &- 0x30 < 10 }

    /// RFC 9110 section 5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte) }

    /// RFC 6265 section 4.1.1: no control characters and no semicolon.
    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 256 && text.utf8.allSatisfy { 0x20..<0x7F ~= $0 && $0 != 0x3B }
    }
}
