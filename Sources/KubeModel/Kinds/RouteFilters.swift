/// What is done with the requests of all routes of a table, the default backend's among them, before a backend sees them, and
/// with what is answered. A canary has those of its main route.
///
/// In this order: a body that is too long is refused, what other origins ask beforehand is answered, requests are sent
/// elsewhere, then to HTTPS, and whoever may not come, or comes too often, is kept out.
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
    /// The `Host` that backends are told.
    public var upstreamHost: String?

    public init(
        maxBodyBytes: Int? = nil, cors: RouteCORS? = nil, redirect: RouteRedirect? = nil, httpsRedirect: String? = nil,
        sources: RouteSources? = nil, clientLimits: RouteClientLimits? = nil, upstreamHost: String? = nil
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.cors = cors
        self.redirect = redirect
        self.httpsRedirect = httpsRedirect
        self.sources = sources
        self.clientLimits = clientLimits
        self.upstreamHost = upstreamHost
    }

    /// Nothing is said.
    public var isEmpty: Bool { self == RouteFilters() }
}
