package import KubeModel

/// Who is asked whether requests may come.
package enum AuthenticationBackend: Hashable, Sendable {
    case service(ServiceBackend)
    /// An address, of IPv6 without brackets.
    case address(String, port: UInt16, isSecure: Bool)
}

extension CompiledRoutes {
    /// Who is asked for requests of a host.
    ///
    /// A Service that the URL names as in DNS; an address; or, where the URL names a host of a route, the request's own for example,
    /// that route's backend, without a way around over the network.
    ///
    /// - Parameter host: as rules write it, in lower case; empty for every host.
    /// - Returns: nil where nobody is known who could be asked: other names are not looked up.
    package func authenticationBackend(_ url: AuthenticationURL, host: String) -> AuthenticationBackend? {
        if let backend = Self.authenticationService(url) { return .service(backend) }
        let routes: Host?
        switch url.host {
        case .ofRequest:
            let suffix = host.hasPrefix("*.") ? String(host.dropFirst(2)) : nil
            routes = host.isEmpty ? anyHost : suffix.map { wildcardHosts[$0] } ?? exactHosts[host]
        case .named(let name):
            if name.utf8.allSatisfy({ $0 &- 0x30 < 10 || $0 == 0x2E }) || name.contains(":") {
                return .address(name, port: url.effectivePort, isSecure: url.isSecure)
            }
            routes = self.host(named: name)
        }
        guard let path = url.fixedPath, let route = routes?.route(forPath: path), route.redirection == nil,
            route.rewrite == nil, let backend = route.backend
        else { return nil }
        return .service(backend)
    }

    /// The Service that a URL names as in DNS, as the backend of a question.
    package static func authenticationService(_ url: AuthenticationURL) -> ServiceBackend? {
        guard let service = url.service, case .named(let name) = url.host else { return nil }
        var policy = RouteBackendPolicy()
        if url.isSecure { policy.tls = RouteBackendTLS(serverName: name, sendsServerName: true) }
        return ServiceBackend(
            service: service, port: .number(Int(url.effectivePort)), appProtocol: url.isSecure ? "https" : "http",
            policy: policy)
    }

    /// The backends that are asked alone, by no route.
    var authenticationBackends: Set<ServiceBackend> {
        Set(
            filters.values.compactMap { filters in
                // One that cannot be read closes its routes.
                guard let text = filters.externalAuthentication?.url, let url = try? AuthenticationURL(text) else {
                    return nil
                }
                return Self.authenticationService(url)
            })
    }
}

extension AuthenticationURL {
    /// The path, where no variable is in it.
    fileprivate var fixedPath: String? {
        guard case .text(let text)? = target.parts.first else { return nil }
        if let mark = text.firstIndex(of: "?") { return String(text[..<mark]) }
        return target.parts.count == 1 ? text : nil
    }
}
