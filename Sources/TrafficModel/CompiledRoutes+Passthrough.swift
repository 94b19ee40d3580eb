import KubeModel

extension CompiledRoutes {
    /// Says which hosts' TLS connections go to a backend as they are. Whoever gets them can be the host, so a host belongs to the
    /// namespace of its oldest table: tables of others cannot take its connections away.
    ///
    /// A table that asks clients for certificates or passwords as well gets no connections: nobody would ask here.
    ///
    /// - Parameter tables: the oldest first, without canaries.
    mutating func passThrough(_ tables: [RouteTable]) {
        guard tables.contains(where: { $0.spec?.passesTLSThrough == true }) else { return }
        let owners = Self.owners(tables)
        for table in tables {
            let key = NamespacedName(table.metadata)
            for rule in table.spec?.rules ?? [] {
                let host = (rule.host ?? "").lowercased()
                guard table.spec?.passesTLSThrough == true, !host.isEmpty,
                    let root = rule.paths?.first(where: { $0.path == "/" || $0.path.isEmpty })
                else { continue }
                guard let owner = owners[host], owner == key.namespace else {
                    conflicts.append(
                        Conflict(
                            table: key, winner: nil, host: host, path: root.path,
                            reason:
                                "is not passed through: the host belongs to the older Ingresses of another namespace"))
                    continue
                }
                edit(host) { entry in
                    guard entry.passthrough == nil else { return }
                    var backend = root.backend.map { ServiceBackend($0, namespace: key.namespace) }
                    backend?.appProtocol = nil
                    backend?.policy.affinity = nil
                    backend?.policy.tls = nil
                    backend?.policy.retry = nil
                    backend?.passesThrough = true
                    let filters = table.spec?.filters
                    let isGuarded =
                        table.spec?.clientCertificates != nil || entry.clientCertificates != nil
                        || filters?.basicAuthentication != nil || filters?.externalAuthentication != nil
                    entry.passthrough = Passthrough(backend: isGuarded ? nil : backend, table: key)
                }
            }
        }
    }

    /// Whose each host is: the namespace of its oldest table.
    ///
    /// - Parameter tables: the oldest first.
    static func owners(_ tables: [RouteTable]) -> [String: String] {
        var owners: [String: String] = [:]
        for table in tables {
            for rule in table.spec?.rules ?? [] where owners[(rule.host ?? "").lowercased()] == nil {
                owners[(rule.host ?? "").lowercased()] = table.metadata.namespace ?? ""
            }
        }
        return owners
    }
}
