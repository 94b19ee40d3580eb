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

    /// - Parameter backends: what each backend of the routes means; one that is not in it is answered with 503.
    package func compile(
        routes: CompiledRoutes, backends: [ServiceBackend: BackendResolution], secrets: [NamespacedName: TLSSecret]
    ) -> ProxyConfiguration {
        var upstreams = UpstreamList(backends: backends)
        var hosts: [ProxyConfiguration.VirtualHost] = []
        func add(_ pattern: HostPattern, _ host: CompiledRoutes.Host, redirects: Bool) {
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
                            }, pattern: route.pattern.map { RoutePattern($0, isClosed: route.isClosed) },
                            rewrite: route.rewrite.map { TargetRewrite($0) })
                    },
                    defaultUpstream: host.defaultBackend.map { upstreams.index(of: $0) },
                    redirectsToHTTPS: redirects))
        }
        for (name, host) in routes.exactHosts.sorted(by: { $0.key < $1.key }) {
            add(
                .exact(name), host,
                redirects: routes.isTLSHost(name) || isNamedByCertificate(name, host, routes, secrets))
        }
        for (suffix, host) in routes.wildcardHosts.sorted(by: { $0.key < $1.key }) {
            add(
                .wildcard(suffix), host,
                redirects: routes.wildcardTLSHosts.contains(suffix)
                    || isNamedByCertificate("*.\(suffix)", host, routes, secrets))
        }
        if !routes.anyHost.routes.isEmpty || routes.anyHost.defaultBackend != nil {
            add(.any, routes.anyHost, redirects: false)
        }
        let defaultUpstream = routes.defaultBackend.map { upstreams.index(of: $0) }
        return ProxyConfiguration(
            listeners: listeners, hosts: hosts, upstreams: upstreams.list, defaultUpstream: defaultUpstream,
            certificates: certificates(routes, secrets), limits: limits)
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

    private func certificates(
        _ routes: CompiledRoutes, _ secrets: [NamespacedName: TLSSecret]
    ) -> [ProxyConfiguration.ServerCertificate] {
        var hosts: [NamespacedName: [String]] = [:]
        for (name, certificate) in routes.exactCertificates { hosts[certificate.secret, default: []].append(name) }
        for (suffix, certificate) in routes.wildcardCertificates {
            hosts[certificate.secret, default: []].append("*.\(suffix)")
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

/// The upstreams of one compilation, each backend once.
private struct UpstreamList {
    let backends: [ServiceBackend: BackendResolution]
    private(set) var list: [ProxyConfiguration.Upstream] = []
    private var indices: [ServiceBackend?: Int] = [:]

    init(backends: [ServiceBackend: BackendResolution]) { self.backends = backends }

    mutating func index(of backend: ServiceBackend?) -> Int {
        if let index = indices[backend] { return index }
        indices[backend] = list.count
        list.append(
            backend.map { ProxyConfiguration.Upstream($0, backends[$0] ?? .missingService) }
                ?? ProxyConfiguration.Upstream(name: "unavailable", endpoints: []))
        return list.count - 1
    }
}

extension ProxyConfiguration.Upstream {
    /// A backend of a route, and what it means at the moment.
    init(_ backend: ServiceBackend, _ resolution: BackendResolution) {
        self.init(
            name: backend.upstreamName, endpoints: resolution.endpoints, version: resolution.version,
            tls: resolution.tls, balancing: UpstreamBalancing(backend.policy),
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
    /// Whether connections to the endpoints are encrypted, by the same name. As for ingress-nginx, nobody is verified:
    /// there is no authority and no name to verify them by.
    package var tls: UpstreamTLS? {
        guard case .endpoints(_, let appProtocol?) = self else { return nil }
        return ["https", "grpcs"].contains(appProtocol.lowercased()) ? UpstreamTLS() : nil
    }

    /// What the endpoints speak, by the `appProtocol` of the Service's port (KEP-3726; `grpc` is IANA's name, and what
    /// older charts write).
    package var version: ProxyConfiguration.Upstream.HTTPVersion {
        guard case .endpoints(_, let appProtocol?) = self else { return .http1 }
        return ["kubernetes.io/h2c", "grpc", "h2c", "grpcs"].contains(appProtocol.lowercased()) ? .http2 : .http1
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
