package import KubeModel
package import NetworkTypes
package import ProxyEngine
package import TrafficModel

/// Turns routes, Services and certificates into what the L7 engine enforces. Pure.
///
/// - Endpoints come straight from the slices, not through the Service's address: a change of endpoints costs no hop.
/// - A backend that names a missing Service or port, or one without endpoints, is answered with 503.
/// - A host that some `tls` names redirects plain HTTP to HTTPS, as ingress-nginx does by default (`ssl-redirect`),
///   whatever the state of its Secret: that a certificate is missing must not open what is meant to be closed. Where
///   `tls` names no hosts, those that its certificate names do.
package struct ProxyConfigurationCompiler: Sendable {
    package var listeners: [ProxyConfiguration.Listener]
    package var limits: ProxyLimits

    package init(listeners: [ProxyConfiguration.Listener], limits: ProxyLimits = ProxyLimits()) {
        self.listeners = listeners
        self.limits = limits
    }

    /// - Parameters:
    ///   - backends: what each backend of the routes means; one that is not in it is answered with 503.
    ///   - named: the Secrets that routes name beside their certificates.
    package func compile(
        routes: CompiledRoutes, backends: [ServiceBackend: BackendResolution], secrets: [NamespacedName: TLSSecret],
        named: [NamespacedName: NamedSecret] = [:]
    ) -> ProxyConfiguration {
        var upstreams = UpstreamList(backends: backends, named: named)
        var clients = ClientCertificateList(named: named)
        var filters = FilterChainList(routes, secrets: named)
        // Who may not come to a path may not come by another one: not where nobody can say what the path is. Others' routes
        // are not theirs to close.
        func isGuarded(_ route: CompiledRoutes.Route, of host: CompiledRoutes.Host) -> Bool {
            (route.clientCertificates != nil || routes.filters[route.table]?.guardsAccess ?? false)
                && host.routes.allSatisfy { $0.table.namespace == route.table.namespace }
        }
        var hosts: [ProxyConfiguration.VirtualHost] = []
        var passthroughs: [Passthrough] = []
        func add(_ pattern: HostPattern, _ name: String, _ host: CompiledRoutes.Host, redirects: Bool) {
            hosts.append(
                ProxyConfiguration.VirtualHost(
                    host: pattern,
                    routes: host.routes.map { route in
                        ProxyConfiguration.Route(
                            path: route.path.isEmpty ? "/" : route.path,
                            match: route.kind.match,
                            upstream: upstreams.index(of: route.backend),
                            canary: route.canary.map { canary in
                                ProxyConfiguration.Canary(
                                    rule: CanaryRule(canary.rule), upstream: upstreams.index(of: canary.backend))
                            },
                            pattern: route.pattern.map {
                                RoutePattern($0, isClosed: route.isClosed, keepsPlace: isGuarded(route, of: host))
                            },
                            rewrite: route.rewrite.map { TargetRewrite($0) },
                            filters: filters.chain(route, host: name, &upstreams),
                            clientCertificates: clients.index(of: route.clientCertificates))
                    },
                    defaultUpstream: host.defaultBackend.map { upstreams.index(of: $0) },
                    defaultFilters: filters.chain(host.defaultTable, host: name, &upstreams),
                    redirectsToHTTPS: redirects || host.clientCertificates != nil || host.passthrough != nil,
                    clientCertificates: clients.index(of: host.clientCertificates)))
            if let through = host.passthrough {
                passthroughs.append(
                    Passthrough(
                        host: pattern, upstream: upstreams.index(of: through.backend),
                        sources: routes.filters[through.table]?.sources.map { SourceRule($0) }))
            }
        }
        for (name, host) in routes.exactHosts.sorted(by: { $0.key < $1.key }) {
            add(
                .exact(name), name, host,
                redirects: routes.isTLSHost(name) || isNamedByCertificate(name, host, routes, secrets)
                    || isNamesakeOfTLSHost(name, routes, secrets))
        }
        for (suffix, host) in routes.wildcardHosts.sorted(by: { $0.key < $1.key }) {
            add(
                .wildcard(suffix), "*.\(suffix)", host,
                redirects: routes.wildcardTLSHosts.contains(suffix)
                    || isNamedByCertificate("*.\(suffix)", host, routes, secrets)
                    || isNamesakeOfTLSHost("*.\(suffix)", routes, secrets))
        }
        if !routes.anyHost.routes.isEmpty || routes.anyHost.defaultBackend != nil {
            add(.any, "", routes.anyHost, redirects: false)
        }
        let defaultClients = clients.index(of: routes.defaultClientCertificates)
        let defaultUpstream = routes.defaultBackend.map { upstreams.index(of: $0) }
        let defaultFilters = filters.chain(routes.defaultTable, host: "", &upstreams)
        return ProxyConfiguration(
            listeners: listeners, hosts: hosts, upstreams: upstreams.list, defaultUpstream: defaultUpstream,
            defaultFilters: defaultFilters, certificates: certificates(routes, secrets),
            clientCertificates: clients.list, defaultClientCertificates: defaultClients,
            passthroughs: passthroughs, limits: limits)
    }

    /// Whether a certificate that was named without hosts, by a table with routes for this one, has its name.
    private func isNamedByCertificate(
        _ name: String, _ host: CompiledRoutes.Host, _ routes: CompiledRoutes, _ secrets: [NamespacedName: TLSSecret]
    ) -> Bool {
        routes.unnamedCertificates.contains { certificate in
            secrets[certificate.secret]?.covers(name) ?? false
                && host.routes.contains { $0.table == certificate.table }
        }
    }

    /// Whether a name stands for a host that wants HTTPS, and its certificate is for both or not to be had.
    private func isNamesakeOfTLSHost(
        _ name: String, _ routes: CompiledRoutes, _ secrets: [NamespacedName: TLSSecret]
    ) -> Bool {
        guard let host = routes.namesakes[name], routes.isTLSHost(host) else { return false }
        guard let certificate = routes.certificate(forServerName: host), let secret = secrets[certificate.secret] else {
            return true
        }
        return secret.covers(name)
    }

    private func certificates(
        _ routes: CompiledRoutes, _ secrets: [NamespacedName: TLSSecret]
    ) -> [ProxyConfiguration.ServerCertificate] {
        var hosts: [NamespacedName: [String]] = [:]
        for (name, certificate) in routes.exactCertificates { hosts[certificate.secret, default: []].append(name) }
        for (suffix, certificate) in routes.wildcardCertificates {
            hosts[certificate.secret, default: []].append("*.\(suffix)")
        }
        for (name, host) in routes.namesakes where !routes.hasCertificate(ofItsOwn: name) {
            guard let certificate = routes.certificate(forServerName: host),
                secrets[certificate.secret]?.covers(name) ?? false
            else { continue }
            hosts[certificate.secret, default: []].append(name)
        }
        var certificates = hosts.sorted { $0.key < $1.key }.compactMap { key, names in
            secrets[key].map { serverCertificate($0, hosts: names.sorted()) }
        }
        // A `tls` entry without hosts: the certificate itself says whom it is for. Named hosts come before.
        for certificate in routes.unnamedCertificates {
            if let secret = secrets[certificate.secret] { certificates.append(serverCertificate(secret, hosts: [])) }
        }
        return certificates
    }

    private func serverCertificate(_ secret: TLSSecret, hosts: [String]) -> ProxyConfiguration.ServerCertificate {
        ProxyConfiguration.ServerCertificate(
            hosts: hosts, certificateChainPEM: secret.certificateChainPEM, privateKeyPEM: secret.privateKeyPEM)
    }
}

extension ProxyConfiguration.Upstream {
    /// A backend of a route, and what it means at the moment.
    init(_ backend: ServiceBackend, _ resolution: BackendResolution, _ named: [NamespacedName: NamedSecret]) {
        let security = BackendSecurity(backend, resolution, secrets: named)
        var tls: UpstreamTLS?
        if case .secured(let wanted) = security { tls = wanted }
        if backend.passesThrough {
            // Endpoints speak TLS with the clients themselves.
            self.init(
                name: backend.upstreamName, endpoints: resolution.endpoints,
                balancing: UpstreamBalancing(backend.policy),
                timeouts: UpstreamTimeouts(backend.policy.timeouts), limits: UpstreamLimits(backend.policy.limits),
                slowStart: .seconds(backend.policy.slowStartSeconds ?? 0))
            return
        }
        self.init(
            name: backend.upstreamName, endpoints: security == .closed ? [] : resolution.endpoints,
            version: resolution.version(backend), tls: tls, balancing: UpstreamBalancing(backend.policy),
            affinity: backend.policy.affinity.map { CookieAffinity($0, isCanary: backend.isCanary) },
            retry: RetryPolicy(backend.policy.retry), timeouts: UpstreamTimeouts(backend.policy.timeouts),
            limits: UpstreamLimits(backend.policy.limits),
            slowStart: .seconds(backend.policy.slowStartSeconds ?? 0))
    }
}

extension ServiceBackend {
    /// The name of its upstream in the L7 engine.
    package var upstreamName: String { description }
}

extension BackendResolution {
    /// Whether connections to the endpoints are encrypted, by the same name. As for ingress-nginx, nobody is verified where
    /// no annotation says by what.
    package func tls(_ backend: ServiceBackend) -> UpstreamTLS? {
        guard let spoken = spoken(by: backend) else { return nil }
        return ["https", "grpcs"].contains(spoken.lowercased()) ? UpstreamTLS() : nil
    }

    /// By what the route says, then the Service's port.
    private func spoken(by backend: ServiceBackend) -> String? {
        if case .endpoints(_, let appProtocol) = self { return appProtocol }
        return backend.appProtocol
    }

    /// What the endpoints speak, by the `appProtocol` of the Service's port (KEP-3726; `grpc` is IANA's name, and what
    /// older charts write).
    package func version(_ backend: ServiceBackend) -> ProxyConfiguration.Upstream.HTTPVersion {
        guard let spoken = spoken(by: backend) else { return .http1 }
        return ["kubernetes.io/h2c", "grpc", "h2c", "grpcs"].contains(spoken.lowercased()) ? .http2 : .http1
    }

    /// Where the L7 engine connects to.
    package var endpoints: [SocketAddress] {
        switch self {
        case .endpoints(let addresses, _): addresses
        case .externalName(let name, let port):
            // A name that is an address needs no resolver.
            IPAddress(name).map { [SocketAddress(ip: $0, port: port)] } ?? []
        case .missingService, .missingPort: []
        }
    }
}
