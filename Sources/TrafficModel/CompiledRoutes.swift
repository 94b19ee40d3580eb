package import KubeModel

/// All RouteTables as one value: who serves a host and path.
///
/// - A host is looked up as an exact name, then as a wildcard (`*.example.com` covers one label), then among the
///   routes for every host. Only the most specific host that has routes is asked.
/// - Within a host the longest matching path wins, `Exact` before `Prefix`. Where one table makes the paths of a host regular
///   expressions, those of all tables of its controller are (``CompiledRoutes/Route/Kind/pattern``): the longest text is asked
///   first, whatever its length of match.
/// - A canary's route takes part of the requests of the main route with the same host, path type and path, if that is one
///   of its own namespace and controller (``CanaryFit``); of several canaries the older Ingress's.
/// - When two tables claim the same host, path type and path, the older Ingress wins, then namespace and name in order.
/// - A request that no path matches goes to the default backend of the table that owns the host (the oldest one that
///   has both), then to the default backend of the oldest table that has one, tables without rules first.
package struct CompiledRoutes: Hashable, Sendable {
    /// One path of one host.
    package struct Route: Hashable, Sendable {
        package enum Kind: Hashable, Sendable {
            case exact
            case prefix
            /// Asked behind every exact path of the host and before every prefix, in the order of the routes.
            case pattern
        }
        package var kind: Kind
        /// For prefixes without the slash at the end.
        package var path: String
        /// Of the kind `pattern`.
        package var pattern: PathPattern?
        /// The pattern is not asked: all that begins as it does is meant.
        package var isClosed = false
        /// nil for a path that goes on as it is.
        package var rewrite: Rewrite?
        /// Nil for a backend that cannot be served.
        package var backend: ServiceBackend?
        /// The table that it comes from.
        package var table: NamespacedName
        package var canary: Canary?
        /// What its clients must show of themselves.
        package var clientCertificates: ClientCertificateGuard?
        /// No backend is asked: requests are sent elsewhere, before anything else is done with them.
        package var redirection: Redirection?

        package init(
            kind: Kind, path: String, backend: ServiceBackend?, table: NamespacedName, canary: Canary? = nil
        ) {
            self.kind = kind
            self.path = path
            self.backend = backend
            self.table = table
            self.canary = canary
        }
    }

    /// Where the requests of a route are sent because of what holds for its host.
    package enum Redirection: Hashable, Sendable {
        /// To a path of the same host, with 302.
        case path(String)
        /// To the same under the name of another host, with 308.
        case host(String)
    }

    /// What becomes of the path of a route's requests.
    package struct Rewrite: Hashable, Sendable {
        package var target: RewriteTemplate
        package var forwardedPrefix: String?
    }

    /// Who takes part of a route's requests, and which.
    package struct Canary: Hashable, Sendable {
        package var rule: RouteCanary
        package var backend: ServiceBackend
        /// The table that it comes from.
        package var table: NamespacedName
    }

    /// Where TLS connections for a host go as they are.
    package struct Passthrough: Hashable, Sendable {
        /// nil where they are closed.
        package var backend: ServiceBackend?
        /// The table that says so.
        package var table: NamespacedName
    }

    /// The routes of one host.
    package struct Host: Hashable, Sendable {
        /// In order of precedence: the first that matches wins.
        package var routes: [Route]
        /// For its requests that no route matches.
        package var defaultBackend: ServiceBackend?
        /// What clients are asked for that name it.
        package var clientCertificates: ClientCertificateGuard?
        /// The table that ``defaultBackend`` comes from.
        package var defaultTable: NamespacedName?
        /// TLS for the host is not ended here.
        package var passthrough: Passthrough?

        package init(
            routes: [Route] = [], defaultBackend: ServiceBackend? = nil, defaultTable: NamespacedName? = nil
        ) {
            self.routes = routes
            self.defaultBackend = defaultBackend
            self.defaultTable = defaultTable
        }

        /// The route for a path, given without its query.
        package func route(forPath path: some StringProtocol) -> Route? {
            routes.first { route in
                switch route.kind {
                case .exact: route.path.utf8.elementsEqual(path.utf8)
                case .prefix: RoutePathMatcher.prefix(route.path, covers: path)
                case .pattern: route.matchesPattern(path)
                }
            }
        }
    }

    /// A route that lost to the same route of an older Ingress, or a canary's without a main route that fits (``CanaryFit``).
    package struct Conflict: Hashable, Sendable {
        package var table: NamespacedName
        /// nil where no main route fits.
        package var winner: NamespacedName?
        /// As written in the rule, empty for every host.
        package var host: String
        /// Empty where it is about the host and no route.
        package var path: String
        /// Why it is not served, in words, if neither is the reason.
        package var reason: String?
    }

    /// A reference to a certificate: a Secret with `tls.crt` and `tls.key`.
    package struct Certificate: Hashable, Sendable {
        package var secret: NamespacedName
        /// The table that names it.
        package var table: NamespacedName

        package init(secret: NamespacedName, table: NamespacedName) {
            self.secret = secret
            self.table = table
        }
    }

    /// Routes by exact host name in lower case.
    package var exactHosts: [String: Host] = [:]
    /// Routes by what follows `*.` in a wildcard host, in lower case.
    package var wildcardHosts: [String: Host] = [:]
    /// Routes for every host.
    package var anyHost = Host()
    /// For requests that nothing else matches.
    package var defaultBackend: ServiceBackend?
    /// What these must show.
    package var defaultClientCertificates: ClientCertificateGuard?
    /// The table that ``defaultBackend`` comes from.
    package var defaultTable: NamespacedName?
    /// What tables want done with the requests of their routes, where they say anything.
    package var filters: [NamespacedName: RouteFilters] = [:]
    /// Certificates by exact host name in lower case.
    package var exactCertificates: [String: Certificate] = [:]
    /// Certificates by what follows `*.`, in lower case.
    package var wildcardCertificates: [String: Certificate] = [:]
    /// Certificates that were named without hosts, the oldest first: each speaks for the names in it.
    package var unnamedCertificates: [Certificate] = []
    /// Hosts of some table's `tls`, with a certificate or without: they are meant to be reached by HTTPS.
    package var exactTLSHosts: Set<String> = []
    /// What follows `*.` in such hosts.
    package var wildcardTLSHosts: Set<String> = []
    /// Of names that stand for a host (``RouteHostSettings``), that host: its certificates are shown where they have the name.
    package var namesakes: [String: String] = [:]
    /// Routes that lost, and other names of hosts.
    package var conflicts: [Conflict] = []

    /// No routes.
    package init() {}

    /// The routes of a host, most specific first: exact, wildcard, every host. Nil when there are none for it.
    ///
    /// - Parameter name: a host name without port, in any case.
    package func host(named name: String) -> Host? {
        let name = name.lowercased()
        if let exact = exactHosts[name] { return exact }
        if let suffix = Self.parent(of: name), let wildcard = wildcardHosts[suffix] { return wildcard }
        return anyHost.routes.isEmpty && anyHost.defaultBackend == nil ? nil : anyHost
    }

    /// Where a request goes.
    ///
    /// - Returns: the backend, `.some(nil)` when a route matches whose backend cannot be served, nil for no route.
    package func backend(host name: String, path: some StringProtocol) -> ServiceBackend?? {
        guard let host = host(named: name) else { return defaultBackend.map { .some($0) } }
        if let route = host.route(forPath: path) { return .some(route.backend) }
        return (host.defaultBackend ?? defaultBackend).map { .some($0) }
    }

    /// The certificate for a server name (SNI), in any case.
    package func certificate(forServerName name: String) -> Certificate? {
        let name = name.lowercased()
        if let exact = exactCertificates[name] { return exact }
        if let suffix = Self.parent(of: name), let wildcard = wildcardCertificates[suffix] { return wildcard }
        return anyCertificate
    }

    /// Whether some table's `tls` gives a certificate to exactly this name, with or without `*.` in front.
    package func hasCertificate(ofItsOwn name: String) -> Bool {
        name.hasPrefix("*.") ? wildcardCertificates[String(name.dropFirst(2))] != nil : exactCertificates[name] != nil
    }

    /// For every other host: the oldest certificate without hosts.
    package var anyCertificate: Certificate? { unnamedCertificates.first }

    /// Whether some table's `tls` names a host, itself or by a wildcard.
    package func isTLSHost(_ name: String) -> Bool {
        let name = name.lowercased()
        return exactTLSHosts.contains(name) || Self.parent(of: name).map { wildcardTLSHosts.contains($0) } ?? false
    }

    /// Every backend that a route names, and every Service that is asked about requests, without duplicates.
    package var backends: Set<ServiceBackend> {
        var result: Set<ServiceBackend> = []
        for host in [anyHost] + exactHosts.values + wildcardHosts.values {
            for route in host.routes {
                if let backend = route.backend { result.insert(backend) }
                if let canary = route.canary { result.insert(canary.backend) }
            }
            if let backend = host.defaultBackend { result.insert(backend) }
            if let backend = host.passthrough?.backend { result.insert(backend) }
        }
        if let defaultBackend { result.insert(defaultBackend) }
        return result.union(authenticationBackends)
    }

    /// What follows the first dot, nil when there is no label before it or nothing behind it.
    static func parent(of name: String) -> String? {
        guard let dot = name.firstIndex(of: "."), dot != name.startIndex else { return nil }
        let rest = name[name.index(after: dot)...]
        return rest.isEmpty ? nil : String(rest)
    }
}
