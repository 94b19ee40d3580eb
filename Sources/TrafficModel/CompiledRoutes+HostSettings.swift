import KubeModel

// What holds for hosts as a whole, as ingress-nginx has it for a `server` of nginx.
extension CompiledRoutes {
    /// Adds what tables say of their hosts, when all routes are there and in order.
    ///
    /// - Parameters:
    ///   - tables: the oldest first, without canaries.
    ///   - defaultTable: whose backend gets what no host has. Without rules, what it says of hosts is for those.
    mutating func applyHostSettings(_ tables: [RouteTable], defaultTable: RouteTable?) {
        let spoken = tables.compactMap { table -> (RouteTable, RouteHostSettings)? in
            guard let settings = table.spec?.hostSettings, !settings.isEmpty else { return nil }
            return (table, settings)
        }
        if spoken.isEmpty { return }
        addAppRoots(spoken, defaultTable: defaultTable, owners: Self.owners(tables))
        // Both look for the hosts of rules alone.
        let hosts = Set(exactHosts.keys.map(\.self) + wildcardHosts.keys.map { "*.\($0)" })
        redirectCounterparts(spoken, hosts)
        addAliases(spoken, hosts)
    }

    /// The root of a host is its own namespace's to send elsewhere.
    private mutating func addAppRoots(
        _ spoken: [(RouteTable, RouteHostSettings)], defaultTable: RouteTable?, owners: [String: String]
    ) {
        var done: Set<String> = []
        for (table, settings) in spoken {
            guard let appRoot = settings.appRoot else { continue }
            var hosts = Self.hosts(of: table)
            if hosts.isEmpty, table == defaultTable { hosts = [""] }
            let key = NamespacedName(table.metadata)
            for name in hosts where !done.contains(name) {
                if let owner = owners[name], owner != key.namespace {
                    note(key, name, "belongs to the older Ingresses of another namespace, and its root stays")
                    continue
                }
                done.insert(name)
                edit(name) { host in
                    var route = Route(kind: .exact, path: "/", backend: nil, table: NamespacedName(table.metadata))
                    route.redirection = .path(appRoot)
                    route.clientCertificates = host.clientCertificates
                    host.routes.removeAll { $0.kind == .exact && $0.path == "/" }
                    host.routes.insert(route, at: 0)
                }
            }
        }
    }

    private mutating func redirectCounterparts(_ spoken: [(RouteTable, RouteHostSettings)], _ hosts: Set<String>) {
        for (table, settings) in spoken where settings.redirectsWWW == true {
            let key = NamespacedName(table.metadata)
            for name in Self.hosts(of: table) {
                guard let other = RouteHostSettings.counterpart(of: name), namesakes[other] == nil else { continue }
                if hosts.contains(other) {
                    note(key, other, "is a host of its own, and is not sent to \(name)")
                    continue
                }
                var route = Route(kind: .prefix, path: "", backend: nil, table: key)
                route.redirection = .host(name)
                edit(other) { $0.routes = [route] }
                namesakes[other] = name
            }
        }
    }

    private mutating func addAliases(_ spoken: [(RouteTable, RouteHostSettings)], _ hosts: Set<String>) {
        for (table, settings) in spoken {
            let key = NamespacedName(table.metadata)
            // A name stands for one host.
            guard let name = Self.hosts(of: table).first(where: { !$0.isEmpty }) else { continue }
            for alias in settings.aliases ?? [] {
                let alias = alias.lowercased()
                if hosts.contains(alias) {
                    if alias != name { note(key, alias, "is a host of its own, and no other name of \(name)") }
                } else if let other = namesakes[alias] {
                    if other != name { note(key, alias, "stands for \(other) already") }
                } else {
                    namesakes[alias] = name
                    let original = host(of: name)
                    edit(alias) { $0 = original }
                }
            }
        }
    }

    private mutating func note(_ table: NamespacedName, _ host: String, _ reason: String) {
        conflicts.append(Conflict(table: table, winner: nil, host: host, path: "", reason: reason))
    }

    /// As rules write it, in lower case.
    private func host(of name: String) -> Host {
        let host = name.hasPrefix("*.") ? wildcardHosts[String(name.dropFirst(2))] : exactHosts[name]
        return host ?? Host()
    }

    /// In lower case, in the order of the rules.
    private static func hosts(of table: RouteTable) -> [String] {
        (table.spec?.rules ?? []).map { ($0.host ?? "").lowercased() }
    }
}
