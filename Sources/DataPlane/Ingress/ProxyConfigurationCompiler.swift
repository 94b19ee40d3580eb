package import KubeModel
package import NetworkTypes
package import ProxyEngine
package import TrafficModel

/// Turns routes, Services and certificates into what the L7 engine enforces. Pure.
///
/// - Endpoints come straight from the slices, not through the Service's address: a change of endpoints costs no hop.
/// - A backend that names a missing Service or port, or one without endpoints, is answered with 503.
/// - A host with a certificate redirects plain HTTP to HTTPS, as ingress-nginx does by default (`ssl-redirect`).
package struct ProxyConfigurationCompiler: Sendable {
    package var listeners: [ProxyConfiguration.Listener]
    package var limits: ProxyLimits

    package init(listeners: [ProxyConfiguration.Listener], limits: ProxyLimits = ProxyLimits()) {
        self.listeners = listeners
        self.limits = limits
    }

    package func compile(
        routes: CompiledRoutes, services: ServiceTable, secrets: [NamespacedName: TLSSecret]
    ) -> ProxyConfiguration {
        var upstreams = UpstreamList(services: services)
        var hosts: [ProxyConfiguration.VirtualHost] = []
        func add(_ pattern: HostPattern, _ host: CompiledRoutes.Host, hasCertificate: Bool) {
            hosts.append(
                ProxyConfiguration.VirtualHost(
                    host: pattern,
                    routes: host.routes.map { route in
                        ProxyConfiguration.Route(
                            path: route.path.isEmpty ? "/" : route.path,
                            match: route.kind == .exact ? .exact : .prefix, upstream: upstreams.index(of: route.backend)
                        )
                    },
                    defaultUpstream: host.defaultBackend.map { upstreams.index(of: $0) },
                    redirectsToHTTPS: hasCertificate))
        }
        for (name, host) in routes.exactHosts.sorted(by: { $0.key < $1.key }) {
            let certificate = routes.exactCertificates[name] ?? routes.certificate(forServerName: name)
            add(.exact(name), host, hasCertificate: isUsable(certificate, secrets, specific: routes))
        }
        for (suffix, host) in routes.wildcardHosts.sorted(by: { $0.key < $1.key }) {
            add(
                .wildcard(suffix), host,
                hasCertificate: isUsable(routes.wildcardCertificates[suffix], secrets, specific: routes))
        }
        if !routes.anyHost.routes.isEmpty || routes.anyHost.defaultBackend != nil {
            add(.any, routes.anyHost, hasCertificate: false)
        }
        let defaultUpstream = routes.defaultBackend.map { upstreams.index(of: $0) }
        return ProxyConfiguration(
            listeners: listeners, hosts: hosts, upstreams: upstreams.list, defaultUpstream: defaultUpstream,
            certificates: certificates(routes, secrets), limits: limits)
    }

    /// A certificate for every host does not make each of them redirect: its owner named no host.
    private func isUsable(
        _ certificate: CompiledRoutes.Certificate?, _ secrets: [NamespacedName: TLSSecret], specific: CompiledRoutes
    ) -> Bool {
        guard let certificate, secrets[certificate.secret] != nil else { return false }
        return certificate != specific.anyCertificate
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
        if let secret = routes.anyCertificate.flatMap({ secrets[$0.secret] }) {
            certificates.append(serverCertificate(secret, hosts: []))
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
    let services: ServiceTable
    private(set) var list: [ProxyConfiguration.Upstream] = []
    private var indices: [ServiceBackend?: Int] = [:]

    init(services: ServiceTable) { self.services = services }

    mutating func index(of backend: ServiceBackend?) -> Int {
        if let index = indices[backend] { return index }
        indices[backend] = list.count
        list.append(
            ProxyConfiguration.Upstream(
                name: backend.map { "\($0)" } ?? "unavailable", endpoints: backend.map { endpoints(of: $0) } ?? []))
        return list.count - 1
    }

    private func endpoints(of backend: ServiceBackend) -> [SocketAddress] {
        switch services.resolve(backend) {
        case .endpoints(let addresses, _): addresses
        case .externalName(let name, let port):
            // A name that is an address needs no resolver.
            IPAddress(name).map { [SocketAddress(ip: $0, port: port)] } ?? []
        case .missingService, .missingPort: []
        }
    }
}
