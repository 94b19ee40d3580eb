/// A cookie by which the requests of one client find their endpoint again.
package struct CookieAffinity: Sendable, Hashable {
    package enum Mode: Sendable, Hashable {
        /// The cookie is a number drawn by lot, which an endpoint is chosen by as by a hash: one that comes takes its share
        /// of the clients over.
        case balanced
        /// The cookie is the endpoint's name, made with this seed: clients stay where they are. Who does not know the seed
        /// learns no address by it, and makes no name of one.
        case persistent(seed: [UInt8])
    }

    package enum Secure: Sendable, Hashable {
        case always
        case never
        /// When the request came by HTTPS.
        case asRequest
    }

    package var mode: Mode
    package var name: [UInt8]
    /// Each with `; ` in front, but for those that follow.
    package var attributes: [UInt8]
    /// `SameSite=None` is said to clients that know it (``SameSite``).
    package var saysSameSiteNoneWhereKnown: Bool
    /// Seconds from now until the date of `Expires`.
    package var expires: Int?
    package var secure: Secure
    /// A client whose endpoint has failed stays with the one that serves it then.
    package var changesOnFailure: Bool
    /// Its cookies say that their clients are a canary's.
    package var isCanary: Bool

    package init(
        mode: Mode = .balanced, name: [UInt8] = Array("INGRESSCOOKIE".utf8),
        attributes: [UInt8] = Array("; Path=/; HttpOnly".utf8), saysSameSiteNoneWhereKnown: Bool = false,
        expires: Int? = nil, secure: Secure = .asRequest, changesOnFailure: Bool = false, isCanary: Bool = false
    ) {
        self.mode = mode
        self.name = name
        self.attributes = attributes
        self.saysSameSiteNoneWhereKnown = saysSameSiteNoneWhereKnown
        self.expires = expires
        self.secure = secure
        self.changesOnFailure = changesOnFailure
        self.isCanary = isCanary
    }
}
