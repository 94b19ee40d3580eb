/// What is done with the requests of all routes of a table, the default backend's among them, before a backend sees them, and
/// with what is answered. A canary has those of its main route.
///
/// In this order: a body that is too long is refused, what other origins ask beforehand is answered, requests are sent
/// elsewhere, then to HTTPS, and whoever may not come, comes too often, or does not know a password, is kept out.
public struct RouteFilters: Codable, Hashable, Sendable {
    /// Bytes that the body of a request may have, 0 for any number; the data plane's own bound without it.
    public var maxBodyBytes: Int?
    /// What browsers are told of requests from other origins.
    public var cors: RouteCORS?
    /// No backend is asked: requests are sent elsewhere.
    public var redirect: RouteRedirect?
    /// `Always`: plain HTTP is sent to HTTPS. `Never`: it is not. Without it, where some `tls` names the host.
    public var httpsRedirect: String?
    /// Who may come.
    public var sources: RouteSources?
    /// How much one client may ask.
    public var clientLimits: RouteClientLimits?
    /// Who may come by name and password.
    public var basicAuthentication: RouteBasicAuthentication?
    /// Who is asked about each request.
    public var externalAuthentication: RouteExternalAuthentication?
    /// `any`: who is in `sources.allow` needs no password and is not asked about, and who knows one, or is let in by who is asked,
    /// may come from anywhere. `all`, as without it: all of them are needed.
    public var satisfy: String?
    /// The `Host` that backends are told.
    public var upstreamHost: String?

    public init(
        maxBodyBytes: Int? = nil, cors: RouteCORS? = nil, redirect: RouteRedirect? = nil, httpsRedirect: String? = nil,
        sources: RouteSources? = nil, clientLimits: RouteClientLimits? = nil,
        basicAuthentication: RouteBasicAuthentication? = nil,
        externalAuthentication: RouteExternalAuthentication? = nil, satisfy: String? = nil, upstreamHost: String? = nil
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.cors = cors
        self.redirect = redirect
        self.httpsRedirect = httpsRedirect
        self.sources = sources
        self.clientLimits = clientLimits
        self.basicAuthentication = basicAuthentication
        self.externalAuthentication = externalAuthentication
        self.satisfy = satisfy
        self.upstreamHost = upstreamHost
    }

    /// Not everybody may come.
    public var guardsAccess: Bool {
        sources != nil || basicAuthentication != nil || externalAuthentication != nil
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteFilters() }
}
