package import KubeModel

extension CompiledRoutes {
    /// Compiles tables. The result depends on their content only, not on their order.
    package init(compiling tables: some Sequence<RouteTable>) {
        self.init()
        let all = tables.map(AgedTable.init).sorted { $0.precedence < $1.precedence }
        let ordered = all.filter { $0.table.spec?.canary == nil }
        var canaries: [Claim: [CanaryRoute]] = [:]
        for aged in all where aged.table.spec?.canary != nil { CanaryRoute.add(aged.table, to: &canaries) }
        var claimed: [Claim: NamespacedName] = [:]
        let patterns = PatternHosts(ordered.map(\.table))
        for aged in ordered {
            add(aged.table, key: aged.key, patterns: patterns, claimed: &claimed, canaries: &canaries)
        }
        conflicts += canaries.values.joined().map { $0.conflict(with: nil) }.sorted {
            ($0.table, $0.host, $0.path) < ($1.table, $1.host, $1.path)
        }
        let withDefault = ordered.filter { $0.defaultBackend != nil }
        let owner = withDefault.first { $0.table.spec?.rules?.isEmpty ?? true } ?? withDefault.first
        defaultBackend = owner?.defaultBackend
        defaultTable = owner?.key
        defaultClientCertificates = owner?.clientCertificates
        let ages = Dictionary(
            ordered.enumerated().map { ($1.key, $0) }, uniquingKeysWith: { first, _ in first })
        guardHosts(ordered, ages)
        passThrough(ordered.map(\.table))
        limitPatterns(ages)
        anyHost.sortByPrecedence()
        for name in exactHosts.keys { exactHosts[name]?.sortByPrecedence() }
        for name in wildcardHosts.keys { wildcardHosts[name]?.sortByPrecedence() }
        applyHostSettings(ordered.map(\.table), defaultTable: owner?.table)
    }

    private mutating func guardHosts(_ ordered: [AgedTable], _ ages: [NamespacedName: Int]) {
        let guards = Dictionary(
            ordered.compactMap { aged in aged.clientCertificates.map { (aged.key, $0) } },
            uniquingKeysWith: { first, _ in first })
        if guards.isEmpty { return }
        for aged in ordered {
            guard let word = guards[aged.key] else { continue }
            for rule in aged.table.spec?.rules ?? [] {
                edit((rule.host ?? "").lowercased()) { host in
                    if host.clientCertificates == nil { host.clientCertificates = word }
                }
            }
        }
        var refused = anyHost.guardRoutes(guards, ages, of: "")
        for name in exactHosts.keys.sorted() { refused += exactHosts[name]?.guardRoutes(guards, ages, of: name) ?? [] }
        for name in wildcardHosts.keys.sorted() {
            refused += wildcardHosts[name]?.guardRoutes(guards, ages, of: "*.\(name)") ?? []
        }
        conflicts += refused
    }

    private mutating func add(
        _ table: RouteTable, key: NamespacedName, patterns: PatternHosts, claimed: inout [Claim: NamespacedName],
        canaries: inout [Claim: [CanaryRoute]]
    ) {
        if let wanted = table.spec?.filters, !wanted.isEmpty { filters[key] = wanted }
        let tableDefault = table.spec?.defaultBackend.map { ServiceBackend($0, namespace: key.namespace) }
        for rule in table.spec?.rules ?? [] {
            let host = (rule.host ?? "").lowercased()
            var routes: [Route] = []
            for path in rule.paths ?? [] {
                let isExact = path.pathType == "Exact"
                let text = isExact ? path.path : RoutePathMatcher.canonicalPrefix(path.path)
                let claim = Claim(host: host, path)
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
                var route = Route(kind: isExact ? .exact : .prefix, path: text, backend: backend, table: key)
                if isKnown, patterns.contains(host, of: table) { route.becomePattern(path, rule, table.spec) }
                if let candidates = canaries.removeValue(forKey: claim) {
                    attach(candidates, to: &route, (table, path))
                }
                routes.append(route)
            }
            edit(host) { entry in
                entry.routes += routes
                if entry.defaultBackend == nil, let tableDefault {
                    entry.defaultBackend = tableDefault
                    entry.defaultTable = key
                }
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

    /// Gives a main route the first of the canaries that fits.
    private mutating func attach(
        _ candidates: [CanaryRoute], to route: inout Route, _ main: (table: RouteTable, path: RoutePath)
    ) {
        for candidate in candidates {
            guard let backend = route.backend, CanaryFit(candidate.table, candidate.path, main: main) == .fits else {
                conflicts.append(candidate.conflict(with: nil))
                continue
            }
            if let canary = route.canary {
                conflicts.append(candidate.conflict(with: canary.table))
            } else {
                route.canary = candidate.canary(of: backend)
            }
        }
    }

    mutating func edit(_ host: String, _ change: (inout Host) -> Void) {
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
            if left.kind != right.kind { return left.kind == .exact || left.kind == .pattern && right.kind == .prefix }
            if left.kind == .pattern { return PatternHosts.precedes(left, right) }
            return leftCount == rightCount ? left.path < right.path : leftCount > rightCount
        }
    }
}

private struct Claim: Hashable {
    var host: String
    var isExact: Bool
    /// Paths are bytes: two that Unicode holds to be equivalent are two.
    var path: [UInt8]

    /// - Parameter host: in lower case.
    init(host: String, _ path: RoutePath) {
        self.host = host
        isExact = path.pathType == "Exact"
        self.path = Array((isExact ? path.path : RoutePathMatcher.canonicalPrefix(path.path)).utf8)
    }
}

/// A route of a canary, which looks for its main route.
private struct CanaryRoute {
    var table: RouteTable
    var host: String
    var path: RoutePath

    /// Adds the routes of a canary's table; the same path twice counts once.
    static func add(_ table: RouteTable, to routes: inout [Claim: [CanaryRoute]]) {
        let key = NamespacedName(table.metadata)
        for rule in table.spec?.rules ?? [] {
            let host = (rule.host ?? "").lowercased()
            for path in rule.paths ?? [] {
                let claim = Claim(host: host, path)
                if let last = routes[claim]?.last, NamespacedName(last.table.metadata) == key { continue }
                routes[claim, default: []].append(CanaryRoute(table: table, host: host, path: path))
            }
        }
    }

    func conflict(with winner: NamespacedName?) -> CompiledRoutes.Conflict {
        CompiledRoutes.Conflict(
            table: NamespacedName(table.metadata), winner: winner, host: host, path: path.path)
    }

    /// What takes requests from a main route with this backend, in whose language endpoints are spoken to.
    func canary(of main: ServiceBackend) -> CompiledRoutes.Canary? {
        guard let rule = table.spec?.canary, let backend = path.backend else { return nil }
        let key = NamespacedName(table.metadata)
        var taking = ServiceBackend(backend, namespace: key.namespace)
        taking.isCanary = true
        taking.appProtocol = main.appProtocol
        taking.policy.affinity = rule.affinity == "legacy" ? nil : main.policy.affinity
        taking.policy.retry = main.policy.retry
        taking.policy.timeouts = main.policy.timeouts
        taking.policy.limits = main.policy.limits
        taking.policy.slowStartSeconds = main.policy.slowStartSeconds
        taking.policy.tls = main.policy.tls
        return CompiledRoutes.Canary(rule: rule, backend: taking, table: key)
    }
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

    var clientCertificates: ClientCertificateGuard? {
        table.spec?.clientCertificates.map { ClientCertificateGuard(policy: $0, table: key) }
    }

    var defaultBackend: ServiceBackend? {
        table.spec?.defaultBackend.map { ServiceBackend($0, namespace: key.namespace) }
    }
}
