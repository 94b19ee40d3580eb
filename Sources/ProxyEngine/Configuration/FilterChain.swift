internal import NetworkTypes

/// What is done with the requests of a route before its upstream is asked, and with what is answered; in the order of the
/// members. An object, since loops look into it for each request.
package final class FilterChain: Sendable, Hashable {
    package enum HTTPSRedirect: Sendable, Hashable {
        /// Where the host says so.
        case asHost
        case always
        case never
    }

    /// Bytes that a body may have, 0 for any number; as ``ProxyLimits`` has it without it.
    package let maxBodyBytes: Int?
    package let cors: CORSPolicy?
    /// No upstream is asked.
    package let redirect: RedirectRule?
    package let httpsRedirect: HTTPSRedirect
    package let sources: SourceRule?
    package let clientLimits: ClientLimits?
    /// Who may come by name and password.
    package let basicAuthentication: BasicAuthentication?
    /// Who is asked about each request.
    package let externalAuthentication: ExternalAuthentication?
    /// Who is in ``SourceRule/allowed`` needs nothing else, and who has a password, or is let in by who is asked, may come from
    /// anywhere (nginx' `satisfy any`).
    package let satisfiesAny: Bool
    /// The `Host` that upstreams are told; as the client says it without it.
    package let upstreamHost: [UInt8]?

    package init(
        maxBodyBytes: Int? = nil, cors: CORSPolicy? = nil, redirect: RedirectRule? = nil,
        httpsRedirect: HTTPSRedirect = .asHost, sources: SourceRule? = nil, clientLimits: ClientLimits? = nil,
        basicAuthentication: BasicAuthentication? = nil, externalAuthentication: ExternalAuthentication? = nil,
        satisfiesAny: Bool = false, upstreamHost: [UInt8]? = nil
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.cors = cors
        self.redirect = redirect
        self.httpsRedirect = httpsRedirect
        self.sources = sources
        self.clientLimits = clientLimits
        self.basicAuthentication = basicAuthentication
        self.externalAuthentication = externalAuthentication
        self.satisfiesAny = satisfiesAny
        self.upstreamHost = upstreamHost
    }

    /// Clients need more than an address.
    var hasAuthentication: Bool { basicAuthentication != nil || externalAuthentication != nil }

    /// Whether a client at an address must authenticate.
    func authenticates(_ address: IPAddress) -> Bool {
        guard hasAuthentication else { return false }
        // Only who is named is let in without: that nobody was named keeps nobody out, and lets nobody in.
        guard satisfiesAny, let sources, sources.allowed != nil else { return true }
        return isClosed || !sources.admits(address)
    }

    /// Nobody can be let in.
    private var isClosed: Bool {
        basicAuthentication.map { $0.users == nil } ?? false
            || externalAuthentication.map { $0.upstream == nil } ?? false
    }

    package static func == (left: FilterChain, right: FilterChain) -> Bool {
        left === right
            || left.maxBodyBytes == right.maxBodyBytes && left.cors == right.cors && left.redirect == right.redirect
                && left.httpsRedirect == right.httpsRedirect && left.sources == right.sources
                && left.clientLimits == right.clientLimits && left.upstreamHost == right.upstreamHost
                && left.basicAuthentication == right.basicAuthentication
                && left.externalAuthentication == right.externalAuthentication
                && left.satisfiesAny == right.satisfiesAny
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(maxBodyBytes)
        hasher.combine(cors)
        hasher.combine(redirect)
        hasher.combine(httpsRedirect)
        hasher.combine(sources)
        hasher.combine(clientLimits)
        hasher.combine(basicAuthentication)
        hasher.combine(externalAuthentication)
        hasher.combine(satisfiesAny)
        hasher.combine(upstreamHost)
    }
}
