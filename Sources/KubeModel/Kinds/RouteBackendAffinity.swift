/// A cookie by which the requests of one client find the endpoint again that its first one went to.
public struct RouteBackendAffinity: Codable, Hashable, Sendable {
    /// `balanced` (the default): an endpoint that comes takes its share of the clients over. `persistent`: clients stay where
    /// they are as long as their endpoint does.
    public var mode: String?
    /// What the names of endpoints in cookies are made with: nobody outside should know it. The same for all backends that are
    /// otherwise the same.
    public var seed: String?
    /// Of the cookie.
    public var cookieName: String?
    public var path: String?
    public var domain: String?
    /// Seconds until the client forgets it.
    public var maxAge: Int?
    /// The same, as a date.
    public var expires: Int?
    /// `Strict`, `Lax` or `None`.
    public var sameSite: String?
    /// `None` is not said to clients that take it for `Strict`, or refuse the cookie because of it.
    public var conditionalSameSiteNone: Bool?
    /// Only over HTTPS; without it, when the request came by HTTPS.
    public var secure: Bool?
    /// A client whose endpoint has failed stays with the one that has served it then.
    public var changeOnFailure: Bool?

    public init(
        mode: String? = nil, seed: String? = nil, cookieName: String? = nil, path: String? = nil, domain: String? = nil,
        maxAge: Int? = nil, expires: Int? = nil, sameSite: String? = nil,
        conditionalSameSiteNone: Bool? = nil, secure: Bool? = nil, changeOnFailure: Bool? = nil
    ) {
        self.mode = mode
        self.seed = seed
        self.cookieName = cookieName
        self.path = path
        self.domain = domain
        self.maxAge = maxAge
        self.expires = expires
        self.sameSite = sameSite
        self.conditionalSameSiteNone = conditionalSameSiteNone
        self.secure = secure
        self.changeOnFailure = changeOnFailure
    }
}

extension RouteBackendAffinity: CustomStringConvertible {
    /// All of it but the seed, in one line.
    public var description: String {
        var words = ["\(mode ?? "balanced") cookie \(cookieName ?? "INGRESSCOOKIE")"]
        if let path { words.append("Path=\(path)") }
        if let domain { words.append("Domain=\(domain)") }
        if let maxAge { words.append("Max-Age=\(maxAge)") }
        if let expires { words.append("Expires=\(expires)") }
        if let sameSite {
            words.append("SameSite=\(sameSite)\(conditionalSameSiteNone == true ? " where it is known" : "")")
        }
        if let secure { words.append("Secure=\(secure)") }
        if changeOnFailure == true { words.append("change-on-failure") }
        return words.joined(separator: "; ")
    }
}
