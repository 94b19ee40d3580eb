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
    /// The `Host` that upstreams are told; as the client says it without it.
    package let upstreamHost: [UInt8]?

    package init(
        maxBodyBytes: Int? = nil, cors: CORSPolicy? = nil, redirect: RedirectRule? = nil,
        httpsRedirect: HTTPSRedirect = .asHost, sources: SourceRule? = nil, clientLimits: ClientLimits? = nil,
        upstreamHost: [UInt8]? = nil
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.cors = cors
        self.redirect = redirect
        self.httpsRedirect = httpsRedirect
        self.sources = sources
        self.clientLimits = clientLimits
        self.upstreamHost = upstreamHost
    }

    package static func == (left: FilterChain, right: FilterChain) -> Bool {
        left === right
            || left.maxBodyBytes == right.maxBodyBytes && left.cors == right.cors && left.redirect == right.redirect
                && left.httpsRedirect == right.httpsRedirect && left.sources == right.sources
                && left.clientLimits == right.clientLimits && left.upstreamHost == right.upstreamHost
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(maxBodyBytes)
        hasher.combine(cors)
        hasher.combine(redirect)
        hasher.combine(httpsRedirect)
        hasher.combine(sources)
        hasher.combine(clientLimits)
        hasher.combine(upstreamHost)
    }
}
