package import KubeModel

extension CompiledRoutes {
    /// Compiles tables. The result depends on their content only, not on their order.
    package init(compiling tables: some Sequence<RouteTable>) {
        self.init()
        let ordered = tables.map(AgedTable.init).sorted { $0.precedence < $1.precedence }
        var claimed: [Claim: NamespacedName] = [:]
        for aged in ordered { add(aged.table, key: aged.key, claimed: &claimed) }
        for index in ordered.indices where ordered[index].table.spec?.rules?.isEmpty ?? true {
            guard defaultBackend == nil else { break }
            defaultBackend = ordered[index].defaultBackend
        }
        if defaultBackend == nil { defaultBackend = ordered.lazy.compactMap(\.defaultBackend).first }
        anyHost.sortByPrecedence()
        for name in exactHosts.keys { exactHosts[name]?.sortByPrecedence() }
        for name in wildcardHosts.keys { wildcardHosts[name]?.sortByPrecedence() }
    }

    private mutating func add(_ table: RouteTable, key: NamespacedName, claimed: inout [Claim: NamespacedName]) {
        let tableDefault = table.spec?.defaultBackend.map { ServiceBackend($0, namespace: key.namespace) }
        for rule in table.spec?.rules ?? [] {
            let host = (rule.host ?? "").lowercased()
            var routes: [Route] = []
            for path in rule.paths ?? [] {
                let isExact = path.pathType == "Exact"
                let text = isExact ? path.path : RoutePathMatcher.canonicalPrefix(path.path)
                let claim = Claim(host: host, isExact: isExact, path: Array(text.utf8))
                if let winner = claimed[claim] {
                    // The same path twice in one table is the author's matter: the first one counts.
                    if winner != key {
                        conflicts.append(Conflict(table: key, winner: winner, host: host, path: path.path))
                    }
                    continue
                }
                claimed[claim] = key
                // A kind of path that is not known cannot be matched as it is meant: what lies below it is not opened.
                let isKnown = isExact || path.pathType == "Prefix" || path.pathType == "ImplementationSpecific"
                let backend = isKnown ? path.backend.map { ServiceBackend($0, namespace: key.namespace) } : nil
                routes.append(
                    Route(kind: isExact ? .exact : .prefix, path: text, backend: backend, table: key))
            }
            edit(host) { entry in
                entry.routes += routes
                if entry.defaultBackend == nil { entry.defaultBackend = tableDefault }
            }
        }
        for tls in table.spec?.tls ?? [] {
            for host in tls.hosts ?? [] {
                let host = host.lowercased()
                if host.hasPrefix("*.") {
                    wildcardTLSHosts.insert(String(host.dropFirst(2)))
                } else {
                    exactTLSHosts.insert(host)
                }
            }
            guard let secret = tls.secretName, !secret.isEmpty else { continue }
            let certificate = Certificate(
                secret: NamespacedName(namespace: key.namespace, name: secret), table: key)
            let hosts = tls.hosts ?? []
            if hosts.isEmpty, !unnamedCertificates.contains(where: { $0.secret == certificate.secret }) {
                unnamedCertificates.append(certificate)
            }
            for host in hosts {
                let host = host.lowercased()
                if host.hasPrefix("*.") {
                    let suffix = String(host.dropFirst(2))
                    if wildcardCertificates[suffix] == nil { wildcardCertificates[suffix] = certificate }
                } else if exactCertificates[host] == nil {
                    exactCertificates[host] = certificate
                }
            }
        }
    }

    private mutating func edit(_ host: String, _ change: (inout Host) -> Void) {
        if host.isEmpty {
            change(&anyHost)
        } else if host.hasPrefix("*.") {
            change(&wildcardHosts[String(host.dropFirst(2)), default: Host()])
        } else {
            change(&exactHosts[host, default: Host()])
        }
    }
}

extension ServiceBackend {
    /// Reads the API's form.
    package init(_ backend: RouteBackend, namespace: String) {
        self.init(
            service: NamespacedName(namespace: namespace, name: backend.serviceName),
            port: ServicePortSelector(backend.port), appProtocol: backend.appProtocol,
            policy: backend.policy ?? RouteBackendPolicy())
    }
}

extension CompiledRoutes.Host {
    /// Longest path first, `Exact` before `Prefix`, then by text so that equal inputs give equal values.
    fileprivate mutating func sortByPrecedence() {
        routes.sort { left, right in
            let (leftCount, rightCount) = (left.path.utf8.count, right.path.utf8.count)
            // An exact path matches only a path of its own length, so it may stand before every prefix.
            if left.kind != right.kind { return left.kind == .exact }
            return leftCount == rightCount ? left.path < right.path : leftCount > rightCount
        }
    }
}

private struct Claim: Hashable {
    var host: String
    var isExact: Bool
    /// Paths are bytes: two that Unicode holds to be equivalent are two.
    var path: [UInt8]
}

/// A table with its precedence.
private struct AgedTable {
    var table: RouteTable
    var precedence: RoutePrecedence

    init(_ table: RouteTable) {
        self.table = table
        precedence = RoutePrecedence(table)
    }

    var key: NamespacedName { precedence.key }

    var defaultBackend: ServiceBackend? {
        table.spec?.defaultBackend.map { ServiceBackend($0, namespace: key.namespace) }
    }
}
