import KubeModel
import NetworkTypes
import ProxyEngine
import TrafficModel

/// The filters of one compilation, each once: of each table, and where who is asked about requests depends on their host, of each
/// table and host. Pure.
struct FilterChainList {
    private struct Key: Hashable {
        var table: NamespacedName
        /// nil where it makes no difference.
        var host: String?
    }

    private let routes: CompiledRoutes
    private let secrets: [NamespacedName: NamedSecret]
    private var chains: [Key: FilterChain] = [:]
    private var redirections: [CompiledRoutes.Redirection: FilterChain] = [:]

    /// - Parameter secrets: that tables name, as far as they are there.
    init(_ routes: CompiledRoutes, secrets: [NamespacedName: NamedSecret]) {
        self.routes = routes
        self.secrets = secrets
    }

    /// Of a route of a host, which is written as in rules.
    mutating func chain(_ route: CompiledRoutes.Route, host: String, _ upstreams: inout UpstreamList) -> FilterChain? {
        guard let redirection = route.redirection else { return chain(route.table, host: host, &upstreams) }
        let chain = redirections[redirection] ?? FilterChain(redirect: RedirectRule(redirection))
        redirections[redirection] = chain
        return chain
    }

    /// Of a table's requests for a host.
    mutating func chain(_ table: NamespacedName?, host: String, _ upstreams: inout UpstreamList) -> FilterChain? {
        guard let table, let filters = routes.filters[table] else { return nil }
        // What cannot be read closes the routes.
        let url = filters.externalAuthentication.flatMap { try? AuthenticationURL($0.url) }
        let key = Key(table: table, host: url.flatMap { $0.host == .ofRequest ? host : nil })
        if let known = chains[key] { return known }
        let external = filters.externalAuthentication.map { external in
            ExternalAuthentication(
                external, url,
                upstream: url.flatMap { routes.authenticationBackend($0, host: host) }.flatMap {
                    upstreams.index(asked: $0)
                })
        }
        let chain = FilterChain(filters, table: table, secrets: secrets, external: external)
        chains[key] = chain
        return chain
    }
}
