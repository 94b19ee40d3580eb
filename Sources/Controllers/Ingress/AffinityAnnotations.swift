import KubeModel

/// ingress-nginx' annotations about cookies by which clients find their endpoint again. Pure.
struct AffinityAnnotations: Hashable, Sendable {
    /// All that are read here.
    static let keys = AnnotationReader.keys(
        [
            "affinity", "affinity-mode", "session-cookie-name", "session-cookie-path", "session-cookie-domain",
            "session-cookie-max-age", "session-cookie-expires", "session-cookie-samesite", "session-cookie-secure",
            "session-cookie-conditional-samesite-none", "session-cookie-change-on-failure",
        ], prefix: AnnotationReader.nginx)

    /// Without seed, and without path where no annotation says it.
    private let wanted: RouteBackendAffinity?
    /// What is not as it should be, each a sentence that begins with the annotation's key.
    let problems: [String]

    init(_ annotations: [String: String]) {
        var reader = AnnotationReader(annotations, prefix: AnnotationReader.nginx)
        wanted = reader.word("affinity", of: ["cookie"]) == nil ? nil : Self.read(&reader)
        problems = reader.problems
    }

    private static func read(_ reader: inout AnnotationReader) -> RouteBackendAffinity {
        // A cookie for longer than a hundred years is one for ever.
        let longest = 3_155_760_000
        var affinity = RouteBackendAffinity()
        affinity.mode = reader.word("affinity-mode", of: ["balanced", "persistent"])
        affinity.cookieName = reader.token("session-cookie-name", of: "a cookie")
        if let path = reader["session-cookie-path"] {
            if isPath(path) {
                affinity.path = path
            } else {
                reader.refuse(
                    "session-cookie-path", "is no path of a cookie: a slash and up to 255 characters, no semicolon")
            }
        }
        if let domain = reader["session-cookie-domain"] {
            if domain.utf8.count <= 253, domain.utf8.allSatisfy(isOfDomain) {
                affinity.domain = domain
            } else {
                reader.refuse("session-cookie-domain", "is no domain")
            }
        }
        affinity.maxAge = reader.number("session-cookie-max-age", from: 0, to: longest)
        affinity.expires = reader.number("session-cookie-expires", from: 0, to: longest)
        affinity.sameSite = reader.word("session-cookie-samesite", of: ["Strict", "Lax", "None"], ignoresCase: true)
        affinity.conditionalSameSiteNone = reader.boolean("session-cookie-conditional-samesite-none")
        affinity.secure = reader.boolean("session-cookie-secure")
        affinity.changeOnFailure = reader.boolean("session-cookie-change-on-failure")
        return affinity
    }

    /// What is told of them on a canary, whose sessions are its main Ingress'.
    var problemsOfCanary: [String] {
        wanted == nil
            ? problems
            : [
                "\(AnnotationReader.nginx)affinity: has no effect on a canary, whose sessions are those of its main Ingress"
            ]
    }

    /// The affinity of a route.
    ///
    /// - Parameters:
    ///   - path: of the route, which is the cookie's where no annotation says another, as in ingress-nginx.
    ///   - seed: the UID of the Service, which nobody knows who only sends requests: Ingresses with the same backend and the same
    ///     cookie share its endpoints' names.
    func affinity(path: String, seed: String?) -> RouteBackendAffinity? {
        guard var affinity = wanted else { return nil }
        if affinity.path == nil { affinity.path = Self.isPath(path) ? path : "/" }
        if affinity.mode == "persistent" { affinity.seed = seed }
        return affinity
    }

    private static func isOfDomain(_ byte: UInt8) -> Bool {
        AnnotationReader.isAlphanumeric(byte) || byte == 0x2D || byte == 0x2E
    }

    /// RFC 6265 section 4.1.1: no control characters and no semicolon.
    private static func isPath(_ text: String) -> Bool {
        text.hasPrefix("/") && text.utf8.count <= 256 && text.utf8.allSatisfy { 0x20..<0x7F ~= $0 && $0 != 0x3B }
    }
}
