package import KubeModel

/// What a host asks of its clients, by whose word.
package struct ClientCertificateGuard: Hashable, Sendable {
    package var policy: RouteTableClientCertificates
    /// The table that says so, in whose namespace the Secret is.
    package var table: NamespacedName

    package init(policy: RouteTableClientCertificates, table: NamespacedName) {
        self.policy = policy
        self.table = table
    }

    /// The Secret with the authorities.
    package var secret: NamespacedName { NamespacedName(namespace: table.namespace, name: policy.secretName) }

    /// The same is asked, by the same Secret.
    func asksAs(_ other: ClientCertificateGuard) -> Bool { policy == other.policy && secret == other.secret }
}

extension CompiledRoutes.Host {
    /// Guards the routes of a host by what the oldest of its tables with such a word asks. A host is asked in TLS before anybody
    /// knows the path, so there is one word for it, as in ingress-nginx:
    ///
    /// - It holds for every route of its own namespace, and of others for those that came later: they came to a host that is
    ///   guarded. Who was there before is not shut out by somebody else's word.
    /// - Whoever asks for something else there is not honoured, so his routes get no requests.
    ///
    /// - Returns: what is not served because of that.
    mutating func guardRoutes(
        _ guards: [NamespacedName: ClientCertificateGuard], _ ages: [NamespacedName: Int], of name: String
    ) -> [CompiledRoutes.Conflict] {
        guard let word = clientCertificates else { return [] }
        var refused: [CompiledRoutes.Conflict] = []
        for index in routes.indices {
            let table = routes[index].table
            if let own = guards[table], !own.asksAs(word) {
                routes[index].backend = nil
                routes[index].canary = nil
                refused.append(
                    CompiledRoutes.Conflict(
                        table: table, host: name, path: routes[index].path,
                        reason:
                            "answers 503: the host asks its clients for what \(word.table) says, which is something else"
                    ))
            }
            let isOlder = (ages[table] ?? 0) < (ages[word.table] ?? 0)
            if table.namespace == word.table.namespace || !isOlder { routes[index].clientCertificates = word }
        }
        return refused
    }
}
