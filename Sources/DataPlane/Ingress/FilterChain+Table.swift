internal import KubeModel
internal import NetworkTypes
internal import ProxyEngine
internal import TrafficModel

extension FilterChain {
    /// Reads a table's filters, which the API server has found good. Networks that cannot be read after all keep everybody
    /// out.
    ///
    /// - Parameter secrets: that tables name, as far as they are there. Without its passwords a table lets nobody in.
    /// - Parameter external: who is asked; nil where nobody is.
    convenience init(
        _ filters: RouteFilters, table: NamespacedName, secrets: [NamespacedName: NamedSecret],
        external: ExternalAuthentication?
    ) {
        self.init(
            maxBodyBytes: filters.maxBodyBytes, cors: filters.cors.map { CORSPolicy($0) },
            redirect: filters.redirect.flatMap { RedirectRule($0) },
            httpsRedirect: filters.httpsRedirect.map { $0 == "Never" ? .never : .always } ?? .asHost,
            sources: filters.sources.map { SourceRule($0) },
            clientLimits: filters.clientLimits.map { ClientLimits($0, name: table.description) },
            basicAuthentication: filters.basicAuthentication.map { passwords in
                let secret = secrets[NamespacedName(namespace: table.namespace, name: passwords.secretName)]
                return BasicAuthentication(
                    realm: passwords.realm ?? "",
                    users: passwords.secretType == "auth-map" ? secret?.passwordMap : secret?.passwordFile)
            },
            externalAuthentication: external,
            // Where nobody knows who may come, a password must not be enough.
            satisfiesAny: filters.satisfy == "any" && filters.sources.map { $0.isReadable } ?? true,
            upstreamHost: filters.upstreamHost.map { Array($0.utf8) })
    }
}

extension RouteSources {
    fileprivate var isReadable: Bool { ((allow ?? []) + (deny ?? [])).allSatisfy { CIDR(network: $0) != nil } }
}

extension SourceRule {
    init(_ sources: RouteSources) {
        let denied = (sources.deny ?? []).map { CIDR(network: $0) }
        if denied.contains(nil) {
            self.init(allowed: AddressSet([]))
        } else {
            self.init(
                allowed: sources.allow.map { AddressSet($0.compactMap { CIDR(network: $0) }) },
                denied: AddressSet(denied.compactMap(\.self)))
        }
    }
}

extension ClientLimits {
    init(_ limits: RouteClientLimits, name: String) {
        let multiplier = limits.burstMultiplier ?? 5
        let rates = [(limits.requestsPerSecond, 1), (limits.requestsPerMinute, 60)].compactMap { most, seconds in
            most.map { Rate(requests: $0, seconds: seconds, burst: $0.multipliedClamping(by: multiplier)) }
        }
        self.init(
            name: name, rates: rates, requests: limits.requests,
            exempt: AddressSet((limits.exempt ?? []).compactMap { CIDR(network: $0) }))
    }
}

extension Int {
    fileprivate func multipliedClamping(by factor: Int) -> Int {
        let (product, overflows) = multipliedReportingOverflow(by: factor)
        return overflows ? .max : product
    }
}

extension RedirectRule {
    /// nil for a location that cannot be read.
    init?(_ redirect: RouteRedirect) {
        guard let parts = RouteRedirect.parts(of: redirect.location) else { return nil }
        self.init(
            status: Int32(clamping: redirect.status),
            location: parts.map { part in
                switch part {
                case .text(let text): .text(Array(text.utf8))
                case .pathAndQuery: .pathAndQuery
                case .path: .path
                case .query: .query
                case .queryMark: .queryMark
                case .host: .host
                case .scheme: .scheme
                }
            })
    }
}

extension RedirectRule {
    init(_ redirection: CompiledRoutes.Redirection) {
        let separator = Array("://".utf8)
        switch redirection {
        case .path(let path):
            self.init(status: 302, location: [.scheme, .text(separator), .host, .port, .text(Array(path.utf8))])
        case .host(let host):
            self.init(
                status: 308, location: [.scheme, .text(separator + Array(host.utf8)), .port, .pathAndQuery])
        }
    }
}

extension CORSPolicy {
    init(_ cors: RouteCORS) {
        var lines = ""
        if cors.credentials ?? true { lines += "Access-Control-Allow-Credentials: true\r\n" }
        lines += "Access-Control-Allow-Methods: \(cors.methods ?? RouteCORS.usualMethods)\r\n"
        lines += "Access-Control-Allow-Headers: \(cors.headers ?? RouteCORS.usualHeaders)\r\n"
        if let exposed = cors.exposedHeaders { lines += "Access-Control-Expose-Headers: \(exposed)\r\n" }
        lines += "Access-Control-Max-Age: \(cors.maxAge ?? RouteCORS.usualMaxAge)\r\n"
        let origins = cors.origins.flatMap { $0.contains("*") ? nil : $0.map { Origin($0) } }
        self.init(origins: origins, lines: Array(lines.utf8))
    }
}

extension CORSPolicy.Origin {
    /// Reads `https://a.example.com` or `https://*.example.com`.
    init(_ text: String) {
        let text = Array(text.lowercased().utf8)
        if let star = text.firstIndex(of: UInt8(ascii: "*")) {
            self.init(start: Array(text[..<star]), end: Array(text[(star + 1)...]))
        } else {
            self.init(start: text)
        }
    }
}
