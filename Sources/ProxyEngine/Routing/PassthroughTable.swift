/// Which TLS connections are passed through, by the server name that they ask for.
struct PassthroughTable: Sendable {
    private var exact: [String: Passthrough] = [:]
    /// By what follows `*.`.
    private var wildcards: [String: Passthrough] = [:]
    /// Names that have routes of their own, which a wildcard does not take away.
    private var served: Set<String> = []

    init(_ configuration: ProxyConfiguration) {
        for entry in configuration.passthroughs {
            switch entry.host {
            case .exact(let name): if exact[name] == nil { exact[name] = entry }
            case .wildcard(let suffix): if wildcards[suffix] == nil { wildcards[suffix] = entry }
            case .any: break
            }
        }
        if wildcards.isEmpty { return }
        for host in configuration.hosts {
            if case .exact(let name) = host.host { served.insert(name) }
        }
    }

    var isEmpty: Bool { exact.isEmpty && wildcards.isEmpty }

    /// - Parameter name: in lower case.
    func find(_ name: String) -> Passthrough? {
        if let entry = exact[name] { return entry }
        guard !wildcards.isEmpty, !served.contains(name), let dot = name.firstIndex(of: "."), dot != name.startIndex
        else { return nil }
        return wildcards[String(name[name.index(after: dot)...])]
    }
}
