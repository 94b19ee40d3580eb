package import NetworkTypes

/// Everything the proxy needs to know, as one immutable value.
///
/// Whoever compiles it (the data plane, a test, a benchmark) hands the whole of it to ``ProxyEngine/apply(_:)``. There
/// is no incremental form: the engine finds out itself what stayed the same, keeps the upstream connections of every
/// endpoint that is still there and lets requests that are under way finish under the routes they were matched with.
package struct ProxyConfiguration: Sendable {
    /// The sockets to accept on. A listener that is in two successive snapshots is never closed in between.
    package var listeners: [Listener]
    /// Hosts and their routes. Two entries for one host are merged; the earlier wins a conflict.
    package var hosts: [VirtualHost]
    /// The backends that routes point to by index.
    package var upstreams: [Upstream]
    /// Index of the upstream for requests that match no host or no path; nil answers them with a 404 page.
    package var defaultUpstream: Int?
    /// Of ``defaultUpstream``.
    package var defaultFilters: FilterChain?
    /// Server certificates, chosen by SNI. Without a match the engine's own self-signed certificate is shown.
    package var certificates: [ServerCertificate]
    /// What routes and hosts ask of their clients by index.
    package var clientCertificates: [ClientCertificatePolicy]
    /// Index of what requests need that match no host or no path; nil for nothing.
    package var defaultClientCertificates: Int?
    /// TLS connections that are not ended here. Two entries for one host: the earlier counts.
    package var passthroughs: [Passthrough]
    package var limits: ProxyLimits
    /// Whether `X-Forwarded-*` of the client are believed and extended (ingress-nginx `use-forwarded-headers`).
    package var trustsForwardedHeaders: Bool
    /// The routes are not known yet, as before the first look at the API: what none of them matches is answered with 503
    /// and `Retry-After`, since nobody can say that it does not exist.
    package var isProvisional: Bool

    package init(
        listeners: [Listener] = [], hosts: [VirtualHost] = [], upstreams: [Upstream] = [],
        defaultUpstream: Int? = nil, defaultFilters: FilterChain? = nil, certificates: [ServerCertificate] = [],
        clientCertificates: [ClientCertificatePolicy] = [], defaultClientCertificates: Int? = nil,
        passthroughs: [Passthrough] = [], limits: ProxyLimits = ProxyLimits(),
        trustsForwardedHeaders: Bool = false, isProvisional: Bool = false
    ) {
        self.listeners = listeners
        self.hosts = hosts
        self.upstreams = upstreams
        self.defaultUpstream = defaultUpstream
        self.defaultFilters = defaultFilters
        self.certificates = certificates
        self.clientCertificates = clientCertificates
        self.defaultClientCertificates = defaultClientCertificates
        self.passthroughs = passthroughs
        self.limits = limits
        self.trustsForwardedHeaders = trustsForwardedHeaders
        self.isProvisional = isProvisional
    }

    /// One address to accept connections on.
    package struct Listener: Sendable, Hashable {
        package enum Scheme: Sendable, Hashable { case http, https }

        /// Port 0 asks the kernel for a free port; ``ProxyEngine/boundAddresses`` tells which.
        package var address: SocketAddress
        package var scheme: Scheme
        /// The port that clients see when it is not the bound one (behind a node port or an nftables rule): used for
        /// `X-Forwarded-Port`.
        package var publicPort: Port?
        /// Every connection begins with a header of the PROXY protocol, which says who the client is; one without it is
        /// closed (ingress-nginx `use-proxy-protocol`). Only for listeners that nobody but a load balancer can reach.
        package var expectsProxyProtocol: Bool

        package init(
            address: SocketAddress, scheme: Scheme, publicPort: Port? = nil, expectsProxyProtocol: Bool = false
        ) {
            self.address = address
            self.scheme = scheme
            self.publicPort = publicPort
            self.expectsProxyProtocol = expectsProxyProtocol
        }
    }

    /// The routes of one host name.
    package struct VirtualHost: Sendable, Hashable {
        package var host: HostPattern
        package var routes: [Route]
        /// Upstream for paths of this host that no route matches; nil falls back to the configuration's default.
        package var defaultUpstream: Int?
        /// Of ``defaultUpstream``.
        package var defaultFilters: FilterChain?
        /// Answer plain HTTP with 308 to `https://` (ingress-nginx `ssl-redirect`; set it where the host has TLS).
        package var redirectsToHTTPS: Bool
        /// Index into ``ProxyConfiguration/clientCertificates``: what connections are asked for that name this host, and
        /// what its requests need that no route matches.
        package var clientCertificates: Int?

        package init(
            host: HostPattern, routes: [Route], defaultUpstream: Int? = nil, defaultFilters: FilterChain? = nil,
            redirectsToHTTPS: Bool = false, clientCertificates: Int? = nil
        ) {
            self.clientCertificates = clientCertificates
            self.host = host
            self.routes = routes
            self.defaultUpstream = defaultUpstream
            self.defaultFilters = defaultFilters
            self.redirectsToHTTPS = redirectsToHTTPS
        }
    }

    /// One path of a host.
    package struct Route: Sendable, Hashable {
        /// How ``Route/path`` is compared, as `pathType` of networking.k8s.io/v1 Ingress defines it.
        package enum Match: Sendable, Hashable {
            /// The whole path, byte for byte.
            case exact
            /// Element-wise prefix: `/foo` matches `/foo`, `/foo/` and `/foo/bar`, not `/foobar`.
            case prefix
            /// ``Route/pattern``; ``Route/path`` only names it.
            case pattern
        }

        package var path: String
        package var match: Match
        /// Index into ``ProxyConfiguration/upstreams``.
        package var upstream: Int
        /// nil for none.
        package var canary: Canary?
        /// Of the match `pattern`. Patterns of a host are asked in the order of its routes, behind every exact path and before
        /// every prefix.
        package var pattern: RoutePattern?
        /// nil for a target that goes on as it is.
        package var rewrite: TargetRewrite?
        /// What is done with its requests; nil for nothing.
        package var filters: FilterChain?
        /// Index into ``ProxyConfiguration/clientCertificates``, of which its host must ask for the same; nil for none.
        package var clientCertificates: Int?

        package init(
            path: String, match: Match, upstream: Int, canary: Canary? = nil, pattern: RoutePattern? = nil,
            rewrite: TargetRewrite? = nil, filters: FilterChain? = nil, clientCertificates: Int? = nil
        ) {
            self.pattern = pattern
            self.rewrite = rewrite
            self.clientCertificates = clientCertificates
            self.path = path
            self.match = match
            self.upstream = upstream
            self.canary = canary
            self.filters = filters
        }
    }

    /// Who takes part of a route's requests.
    package struct Canary: Sendable, Hashable {
        package var rule: CanaryRule
        /// Index into ``ProxyConfiguration/upstreams``.
        package var upstream: Int

        package init(rule: CanaryRule, upstream: Int) {
            self.rule = rule
            self.upstream = upstream
        }
    }

    /// A named set of interchangeable endpoints.
    package struct Upstream: Sendable, Hashable {
        /// Identity across snapshots (for example `namespace/service:port`): position in the rotation and counters
        /// stay with the name.
        package var name: String
        /// Ready endpoints. Empty means that requests are answered with 503.
        package var endpoints: [SocketAddress]
        package var version: HTTPVersion
        /// nil for connections in the clear.
        package var tls: UpstreamTLS?
        package var balancing: UpstreamBalancing
        package var ejection: EjectionPolicy
        /// nil for none.
        package var affinity: CookieAffinity?
        package var retry: RetryPolicy
        package var timeouts: UpstreamTimeouts
        package var limits: UpstreamLimits
        /// How long an endpoint that comes to others gets less than its share; zero for not at all.
        package var slowStart: Duration

        package init(
            name: String, endpoints: [SocketAddress], version: HTTPVersion = .http1, tls: UpstreamTLS? = nil,
            balancing: UpstreamBalancing = .roundRobin, ejection: EjectionPolicy = EjectionPolicy(),
            affinity: CookieAffinity? = nil, retry: RetryPolicy = RetryPolicy(),
            timeouts: UpstreamTimeouts = UpstreamTimeouts(), limits: UpstreamLimits = UpstreamLimits(),
            slowStart: Duration = .zero
        ) {
            self.name = name
            self.endpoints = endpoints
            self.version = version
            self.tls = tls
            self.balancing = balancing
            self.ejection = ejection
            self.affinity = affinity
            self.retry = retry
            self.timeouts = timeouts
            self.limits = limits
            self.slowStart = slowStart
        }

        /// What the endpoints speak. Nothing is negotiated: it is known from the Service.
        package enum HTTPVersion: Sendable, Hashable {
            case http1
            /// HTTP/2, by prior knowledge (gRPC among it): one connection carries many requests.
            case http2
        }
    }

    /// A certificate chain with its key.
    package struct ServerCertificate: Sendable, Hashable {
        /// Names it is shown for: exact, or `*.example.com` for one label; empty for the DNS names in the certificate
        /// itself. The earlier of two certificates for a name is shown.
        package var hosts: [String]
        package var certificateChainPEM: [UInt8]
        package var privateKeyPEM: [UInt8]

        package init(hosts: [String], certificateChainPEM: [UInt8], privateKeyPEM: [UInt8]) {
            self.hosts = hosts
            self.certificateChainPEM = certificateChainPEM
            self.privateKeyPEM = privateKeyPEM
        }
    }
}
