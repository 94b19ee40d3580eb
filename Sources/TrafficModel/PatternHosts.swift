package import KubeModel

/// The hosts whose paths are regular expressions, by controller. One table is enough (ingress-nginx, "Ingress path
/// matching"): nginx asks regular expressions before prefixes, so that both kinds in one host would not be asked by length.
package struct PatternHosts: Sendable {
    private struct Key: Hashable {
        var controller: String
        /// In lower case.
        var host: String
    }

    private var keys: Set<Key> = []

    /// - Parameter tables: without canaries, which have no routes of their own.
    package init(_ tables: some Sequence<RouteTable>) {
        for table in tables {
            guard let spec = table.spec, spec.pathPatterns ?? false || spec.rewrite != nil else { continue }
            for rule in spec.rules ?? [] where spec.hasPatterns(rule) {
                keys.insert(Key(controller: spec.controllerName ?? "", host: (rule.host ?? "").lowercased()))
            }
        }
    }

    /// - Parameter host: in lower case.
    package func contains(_ host: String, of table: RouteTable) -> Bool {
        !keys.isEmpty && keys.contains(Key(controller: table.spec?.controllerName ?? "", host: host))
    }

    /// Whether a pattern is asked before another one: the longer text, then the greater one, as in ingress-nginx.
    static func precedes(_ left: CompiledRoutes.Route, _ right: CompiledRoutes.Route) -> Bool {
        let (leftCount, rightCount) = (left.path.utf8.count, right.path.utf8.count)
        if leftCount != rightCount { return leftCount > rightCount }
        return right.path.utf8.lexicographicallyPrecedes(left.path.utf8)
    }
}

extension CompiledRoutes.Route {
    /// Takes the path of a table as the regular expression that ingress-nginx makes of it.
    mutating func becomePattern(_ path: RoutePath, _ rule: RouteTableRule, _ spec: RouteTableSpec?) {
        kind = .pattern
        self.path = path.path
        var text = path.path
        if let spec, !(spec.pathPatterns ?? false), !spec.rewrites(path), path.pathType == "Prefix",
            (rule.paths ?? []).contains(where: { $0.pathType == "Exact" && $0.path == path.path })
        {
            // Beside the same exact path, the prefix begins behind its slash.
            if !text.hasSuffix("/") { text += "/" }
        }
        pattern = PathPattern(text)
        guard let spec, spec.rewrites(path), let rewrite = spec.rewrite else { return }
        do {
            self.rewrite = CompiledRoutes.Rewrite(
                target: try RewriteTemplate(rewrite.target), forwardedPrefix: rewrite.forwardedPrefix)
        } catch {
            // Under another path it would be another request.
            backend = nil
        }
    }
}

extension CompiledRoutes.Route {
    func matchesPattern(_ path: some StringProtocol) -> Bool {
        guard let pattern else { return false }
        guard isClosed else { return pattern.matches(path) }
        let start = path.utf8.prefix(pattern.start.count).map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
        return pattern.start.count > 1 && start == pattern.start
    }

    fileprivate mutating func close() {
        isClosed = true
        backend = nil
        canary = nil
        rewrite = nil
    }
}

extension CompiledRoutes {
    /// Regular expressions of one host, and of all: each request may ask all of its host, and each takes memory.
    package static let maxPatternsOfHost = 256
    package static let maxPatterns = 2048

    /// Closes the patterns that are too many, those of younger tables first: what they begin with is answered with 503.
    ///
    /// - Parameter ages: of the tables, 0 for the oldest one.
    mutating func limitPatterns(_ ages: [NamespacedName: Int]) {
        struct Place {
            var age: Int
            var host: String
            var index: Int
        }
        var places: [Place] = []
        func collect(_ name: String, _ host: Host) {
            for (index, route) in host.routes.enumerated() where route.kind == .pattern {
                places.append(Place(age: ages[route.table] ?? .max, host: name, index: index))
            }
        }
        collect("", anyHost)
        for (name, host) in exactHosts { collect(name, host) }
        for (name, host) in wildcardHosts { collect("*.\(name)", host) }
        // Within a table by host, then as they are listed.
        places.sort { ($0.age, $0.host, $0.index) < ($1.age, $1.host, $1.index) }
        var count = 0
        var ofHosts: [String: Int] = [:]
        var closed: [Conflict] = []
        for place in places {
            let ofHost = ofHosts[place.host, default: 0]
            if ofHost < Self.maxPatternsOfHost, count < Self.maxPatterns {
                ofHosts[place.host] = ofHost + 1
                count += 1
                continue
            }
            let most =
                ofHost < Self.maxPatternsOfHost
                ? "there may be \(Self.maxPatterns)" : "a host may have \(Self.maxPatternsOfHost)"
            edit(place.host) { host in
                closed.append(
                    Conflict(
                        table: host.routes[place.index].table, host: place.host, path: host.routes[place.index].path,
                        reason: "is one regular expression too many, and answers 503: \(most)"))
                host.routes[place.index].close()
            }
        }
        conflicts += closed
    }
}
