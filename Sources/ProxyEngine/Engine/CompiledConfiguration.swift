internal import Transport

/// A configuration as the loops use it: compiled once, shared by all of them, replaced as a whole.
final class CompiledConfiguration: Sendable {
    let table: RoutingTable
    let limits: ProxyLimits
    let trustsForwarded: Bool
    let isProvisional: Bool
    /// Counter of each compiled route, from the engine's registry.
    let routeCounters: [Handle<Party.Routes>]
    /// For new TLS connections; nil when no listener is https.
    let tls: TLSContext?
    /// What stands between host and path in a redirect: empty, or `:port`.
    let httpsPortSuffix: [UInt8]
    /// Of each upstream, where its endpoints are chosen by a key.
    let hashKeys: [HashKey?]
    /// Of each policy for certificates of clients.
    let certificateRules: [ClientCertificateRule]
    let passthroughs: PassthroughTable

    init(
        table: RoutingTable, configuration: ProxyConfiguration, routeCounters: [Handle<Party.Routes>], tls: TLSContext?,
        httpsPortSuffix: [UInt8], certificateRules: [ClientCertificateRule]
    ) {
        self.certificateRules = certificateRules
        passthroughs = PassthroughTable(configuration)
        self.table = table
        self.limits = configuration.limits
        self.trustsForwarded = configuration.trustsForwardedHeaders
        self.isProvisional = configuration.isProvisional
        self.routeCounters = routeCounters
        self.tls = tls
        self.httpsPortSuffix = httpsPortSuffix
        hashKeys = configuration.upstreams.map { upstream in
            if case .hash(let key) = upstream.balancing { key } else { nil }
        }
    }
}
