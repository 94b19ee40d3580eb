/// Collects hosts and routes in growable arrays; ``RoutingTable`` freezes them.
struct RoutingTableBuilder {
    private(set) var text: [UInt8] = []
    private(set) var hosts: [RoutingTable.Host] = []
    private(set) var routes: [RoutingTable.Route] = []
    private(set) var origins: [(host: Int, route: Int)] = []
    private(set) var anyHost: Int32 = -1
    private(set) var canaries: [RoutingTable.Canary] = []
    private(set) var filters: [FilterChain] = []
    /// A table's routes have one object.
    private var filterIndices: [ObjectIdentifier: Int32] = [:]
    private(set) var patterns: [String: HeaderPattern] = [:]
    /// By the index of a pattern's route.
    private(set) var rewrites: [Int32: TargetRewrite] = [:]
    /// By host.
    private var patternRoutes: [Int32: [(pattern: RoutePattern, route: Int32)]] = [:]
    private let knownPatterns: [String: HeaderPattern]

    private struct RouteKey: Hashable {
        var host: Int32
        var isExact: Bool
        var path: [UInt8]
    }

    private var hostIndices: [HostPattern: Int32] = [:]
    private var seenRoutes: Set<RouteKey> = []

    /// - Parameter knownPatterns: that need not be compiled again.
    init(knownPatterns: [String: HeaderPattern]) { self.knownPatterns = knownPatterns }

    mutating func add(_ virtualHost: ProxyConfiguration.VirtualHost, origin: Int) {
        // Through the text, so that names which were not made from it are lowercased as well.
        let index = hostIndex(HostPattern(virtualHost.host.description))
        if virtualHost.redirectsToHTTPS { hosts[Int(index)].redirectsToHTTPS = true }
        if let rule = virtualHost.clientCertificates, hosts[Int(index)].certificateRule < 0 {
            hosts[Int(index)].certificateRule = Int32(rule)
        }
        if let upstream = virtualHost.defaultUpstream, hosts[Int(index)].defaultUpstream < 0 {
            hosts[Int(index)].defaultUpstream = Int32(upstream)
            hosts[Int(index)].defaultFilters = add(virtualHost.defaultFilters)
        }
        for (routeIndex, route) in virtualHost.routes.enumerated() {
            add(route, host: index, origin: (origin, routeIndex))
        }
    }

    private mutating func hostIndex(_ pattern: HostPattern) -> Int32 {
        if let known = hostIndices[pattern] { return known }
        let index = Int32(hosts.count)
        hostIndices[pattern] = index
        var host = RoutingTable.Host()
        host.deepestPrefix = -1
        let name: [UInt8]
        switch pattern {
        case .any:
            anyHost = index
            name = []
        case .exact(let exact):
            name = Array(exact.lowercased().utf8)
        case .wildcard(let suffix):
            name = Array(suffix.lowercased().utf8)
            host.isWildcard = true
        }
        host.hash = name.reduce(host.isWildcard ? PathHash.wildcardSeed : PathHash.seed) { PathHash.step($0, $1) }
        host.nameOffset = Int32(text.count)
        host.nameCount = Int32(name.count)
        text += name
        hosts.append(host)
        return index
    }

    private mutating func add(_ route: ProxyConfiguration.Route, host: Int32, origin: (host: Int, route: Int)) {
        if let pattern = route.pattern, route.match == .pattern {
            return add(route, pattern, host: host, origin: origin)
        }
        var path = Array(route.path.utf8)
        let isExact = route.match == .exact
        if !isExact {
            // A trailing slash of a Prefix is ignored; the empty key stands for "/".
            while path.last == 0x2F { path.removeLast() }
        }
        guard seenRoutes.insert(RouteKey(host: host, isExact: isExact, path: path)).inserted else { return }
        let hash = path.reduce(PathHash.route(host, isExact: isExact)) { PathHash.step($0, $1) }
        routes.append(
            RoutingTable.Route(
                hash: hash, pathOffset: Int32(text.count), pathCount: Int32(path.count), host: host,
                isExact: isExact, upstream: Int32(route.upstream), canary: add(route.canary),
                filters: add(route.filters), certificateRule: Int32(route.clientCertificates ?? -1)))
        origins.append(origin)
        text += path
        if isExact {
            hosts[Int(host)].hasExactRoutes = true
        } else {
            let depth = Int32(path.count { $0 == 0x2F })
            hosts[Int(host)].deepestPrefix = max(hosts[Int(host)].deepestPrefix, depth)
        }
    }

    /// The index of some filters; -1 for none.
    mutating func add(_ chain: FilterChain?) -> Int32 {
        guard let chain else { return -1 }
        if let index = filterIndices[ObjectIdentifier(chain)] { return index }
        let index = Int32(filters.count)
        filterIndices[ObjectIdentifier(chain)] = index
        filters.append(chain)
        return index
    }

    private mutating func add(
        _ route: ProxyConfiguration.Route, _ pattern: RoutePattern, host: Int32, origin: (host: Int, route: Int)
    ) {
        let index = Int32(routes.count)
        routes.append(
            RoutingTable.Route(
                host: host, isPattern: true, upstream: Int32(route.upstream), canary: add(route.canary),
                filters: add(route.filters), certificateRule: Int32(route.clientCertificates ?? -1)))
        origins.append(origin)
        patternRoutes[host, default: []].append((pattern, index))
        rewrites[index] = route.rewrite
    }

    /// The patterns of all hosts, to be asked for after the last host.
    ///
    /// - Parameter known: that need not be compiled again.
    mutating func freezePatterns(known: [String: PathProgram]) -> PatternRoutes {
        var frozen = PatternRoutes(known: known)
        for (host, routes) in patternRoutes {
            hosts[Int(host)].firstPattern = frozen.add(routes)
            hosts[Int(host)].patternCount = Int32(routes.count)
        }
        return frozen
    }

    private mutating func add(_ canary: ProxyConfiguration.Canary?) -> Int32 {
        guard let canary else { return -1 }
        var pattern: HeaderPattern?
        if case .pattern(let source)? = canary.rule.header?.match {
            pattern = patterns[source] ?? knownPatterns[source] ?? HeaderPattern(source)
            patterns[source] = pattern
        }
        canaries.append(
            RoutingTable.Canary(rule: canary.rule, pattern: pattern, upstream: Int32(canary.upstream)))
        return Int32(canaries.count - 1)
    }
}
