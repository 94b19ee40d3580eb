import NetworkTypes
import TrafficModel

/// The rules of one Service in one address family. Made purely out of the Service; each rule is what follows
/// `-A CHAIN` in iptables' language.
struct IPTablesServiceRules: Hashable {
    /// The chains of its own, all of the table nat.
    var chains: [String: [String]] = [:]
    /// Its rules in chains that Services share.
    var dispatch: [IPTablesDispatch: [String]] = [:]

    /// - Parameter owns: whether an address is this Service's, where several want it.
    init(_ entry: ServiceEntry, _ frame: IPTablesFrame, on node: NodeIdentity, owns: (FrontendKey) -> Bool) {
        guard entry.form == .virtual else { return }
        for port in entry.ports {
            var rules = PortRules(entry: entry, port: port, frame: frame, node: node)
            rules.compile(owns: owns)
            chains.merge(rules.chains) { $1 }
            for (chain, lines) in rules.dispatch { dispatch[chain, default: []] += lines }
        }
        if let port = entry.healthCheckNodePort, !entry.loadBalancerIPs.isEmpty || !entry.clusterIPs.isEmpty {
            dispatch[.healthChecks, default: []].append(
                "-p tcp \(Self.comment("\(entry.key) health check node port")) -m tcp --dport \(port) -j ACCEPT")
        }
    }

    /// Names cannot hold quotes or backslashes: Kubernetes' names are DNS labels.
    fileprivate static func comment(_ text: String) -> String { "-m comment --comment \"\(text)\"" }
}

/// The rules of one port.
private struct PortRules {
    let entry: ServiceEntry
    let port: ServicePortEntry
    let frame: IPTablesFrame
    let node: NodeIdentity
    var chains: [String: [String]] = [:]
    var dispatch: [IPTablesDispatch: [String]] = [:]

    private let name: String
    private let protocolName: String
    private let clusterEndpoints: [ServiceEndpoint]
    private let localEndpoints: [ServiceEndpoint]

    init(entry: ServiceEntry, port: ServicePortEntry, frame: IPTablesFrame, node: NodeIdentity) {
        self.entry = entry
        self.port = port
        self.frame = frame
        self.node = node
        name = "\(entry.key)" + (port.name.isEmpty ? "" : ":\(port.name)")
        protocolName = port.transport.rawValue.lowercased()
        clusterEndpoints = port.usableEndpoints(family: frame.family, policy: .cluster, on: node)
        localEndpoints = port.usableEndpoints(family: frame.family, policy: .local, on: node)
    }

    mutating func compile(owns: (FrontendKey) -> Bool) {
        func owned(_ addresses: [IPAddress], _ number: Port) -> [IPAddress] {
            addresses.filter {
                $0.family == frame.family
                    && owns(FrontendKey(transport: port.transport, address: SocketAddress(ip: $0, port: number)))
            }
        }
        let clusterIPs = owned(entry.clusterIPs, port.port)
        let externalIPs = owned(entry.externalIPs, port.port)
        let loadBalancerIPs = owned(entry.loadBalancerIPs, port.port)
        let nodePort = port.nodePort.flatMap { number in
            entry.clusterIPs.contains { $0.family == frame.family }
                && frame.nodePortAddresses.contains { owned([$0], number) == [$0] } ? number : nil
        }
        for ip in clusterIPs { serveClusterIP(ip) }
        guard !externalIPs.isEmpty || !loadBalancerIPs.isEmpty || nodePort != nil else { return }
        addExternalChain()
        for ip in externalIPs { serveExternalIP(ip) }
        for ip in loadBalancerIPs { serveLoadBalancerIP(ip) }
        if let nodePort { serveNodePort(nodePort) }
    }

    // MARK: Addresses

    private mutating func serveClusterIP(_ ip: IPAddress) {
        let here = destination(ip)
        let endpoints = usable(entry.internalTrafficPolicy)
        guard !endpoints.isEmpty else {
            return end(.withoutEndpoints, here, entry.internalTrafficPolicy)
        }
        let chain = addEndpoints(entry.internalTrafficPolicy)
        dispatch[.services, default: []].append("\(here.replacing(comment("cluster IP"))) -j \(chain)")
        let masquerade: String? =
            if frame.policy.isForAll {
                "\(here.replacing(comment("cluster IP"))) -j KUBE-MARK-MASQ"
            } else if frame.policy.podNetworks.contains(where: { $0.family == frame.family }) {
                "\(here.replacing(comment("cluster IP"))) -j \(IPTablesFrame.offClusterChain)"
            } else {
                nil
            }
        if let masquerade { chains[chain]?.insert(masquerade, at: 0) }
    }

    private mutating func serveExternalIP(_ ip: IPAddress) {
        let here = destination(ip)
        if usable(entry.externalTrafficPolicy).isEmpty {
            end(.withoutExternalEndpoints, here, entry.externalTrafficPolicy)
        }
        guard !clusterEndpoints.isEmpty else { return }
        dispatch[.services, default: []].append("\(here.replacing(comment("external IP"))) -j \(chain(.external))")
    }

    private mutating func serveLoadBalancerIP(_ ip: IPAddress) {
        let here = destination(ip)
        if usable(entry.externalTrafficPolicy).isEmpty {
            end(.withoutExternalEndpoints, here, entry.externalTrafficPolicy)
        }
        let text = here.replacing(comment("loadbalancer IP"))
        guard case .only(let ranges) = entry.loadBalancerSourceRanges else {
            if !clusterEndpoints.isEmpty { dispatch[.services, default: []].append("\(text) -j \(chain(.external))") }
            return
        }
        // Whoever the guard lets pass has another destination by the time of the filter.
        guard !clusterEndpoints.isEmpty else { return }
        let guardChain = chain(.firewall)
        dispatch[.services, default: []].append("\(text) -j \(guardChain)")
        dispatch[.firewall, default: []].append("\(text) -j DROP")
        var rules = ranges.filter { $0.family == frame.family }.map {
            "\(comment("loadbalancer IP")) -s \($0.masked) -j \(chain(.external))"
        }
        // The node itself may reach the address under that very address, where it is one of the node's.
        if node.ownAddresses.contains(where: { own in ranges.contains { $0.contains(own) } }) {
            for own in entry.loadBalancerIPs where own.family == frame.family {
                rules.append("\(comment("loadbalancer IP")) -s \(own) -j \(chain(.external))")
            }
        }
        chains[guardChain] = rules
    }

    private mutating func serveNodePort(_ number: Port) {
        if usable(entry.externalTrafficPolicy).isEmpty {
            for ip in frame.nodePortAddresses {
                let match = ip.isUnspecified ? "-m addrtype --dst-type LOCAL" : "-d \(ip)"
                end(
                    .withoutExternalEndpoints, Match(before: match, after: transportMatch(number)),
                    entry.externalTrafficPolicy)
            }
        }
        guard !clusterEndpoints.isEmpty else { return }
        dispatch[.nodePorts, default: []].append("\(comment("")) \(transportMatch(number)) -j \(chain(.external))")
    }

    // MARK: Chains

    private mutating func addExternalChain() {
        guard !clusterEndpoints.isEmpty else { return }
        let everywhere = addEndpoints(.cluster)
        switch entry.externalTrafficPolicy {
        case .cluster:
            // Endpoints elsewhere answer to this node, which the client asked.
            chains[chain(.external)] = [
                "\(comment("masquerade external traffic")) -j KUBE-MARK-MASQ",
                "-j \(everywhere)",
            ]
        case .local:
            var rules = frame.policy.podNetworks.filter { $0.family == frame.family }.map {
                "-s \($0.masked) \(comment("pod traffic to external destinations")) -j \(everywhere)"
            }
            let ofNode = "-m addrtype --src-type LOCAL"
            rules.append("\(comment("masquerade this node's external traffic")) \(ofNode) -j KUBE-MARK-MASQ")
            rules.append("\(comment("this node's external traffic")) \(ofNode) -j \(everywhere)")
            if !localEndpoints.isEmpty { rules.append("-j \(addEndpoints(.local))") }
            chains[chain(.external)] = rules
        }
    }

    /// Adds the chain that chooses among the endpoints of a policy, and those of the endpoints.
    ///
    /// - Returns: its name.
    private mutating func addEndpoints(_ policy: TrafficPolicy) -> String {
        let chain = chain(policy == .local ? .local : .cluster)
        guard chains[chain] == nil else { return chain }
        let endpoints = usable(policy).map(\.address).sorted()
        let names = endpoints.map { IPTablesChainName.name(ofEndpoint: $0, port: name, port.transport) }
        var rules: [String] = []
        if let seconds = entry.affinitySeconds {
            for (endpoint, chain) in zip(endpoints, names) {
                rules.append(
                    "\(comment("-> \(endpoint)")) -m recent --name \(chain) --rcheck --seconds \(seconds) --reap -j \(chain)"
                )
            }
        }
        for (index, (endpoint, chain)) in zip(endpoints, names).enumerated() {
            let left = endpoints.count - index
            let chance = left == 1 ? "" : " -m statistic --mode random --probability \(Self.share(of: left))"
            rules.append("\(comment("-> \(endpoint)"))\(chance) -j \(chain)")
        }
        chains[chain] = rules
        for (endpoint, chain) in zip(endpoints, names) {
            let remember = entry.affinitySeconds == nil ? "" : " -m recent --name \(chain) --set"
            chains[chain] = [
                // Hairpin: an endpoint that asks itself would answer itself, past the NAT.
                "\(comment("")) -s \(endpoint.ip) -j KUBE-MARK-MASQ",
                "\(comment(""))\(remember) -p \(protocolName) -j DNAT --to-destination \(endpoint)",
            ]
        }
        return chain
    }

    // MARK: Words

    /// 1/n with ten digits, as the kernel has 31 bits for it.
    private static func share(of count: Int) -> String {
        let digits = String((10_000_000_000 + count / 2) / count)
        return "0." + String(repeating: "0", count: 10 - digits.count) + digits
    }

    private func usable(_ policy: TrafficPolicy) -> [ServiceEndpoint] {
        policy == .local ? localEndpoints : clusterEndpoints
    }

    private func chain(_ kind: IPTablesChainName.Kind) -> String {
        IPTablesChainName.name(kind, port: name, port.transport)
    }

    private func comment(_ text: String) -> String {
        IPTablesServiceRules.comment(text.isEmpty ? name : "\(name) \(text)")
    }

    private func transportMatch(_ number: Port) -> String { "-p \(protocolName) -m \(protocolName) --dport \(number)" }

    /// Who a rule is about: the address, then (after a comment) the port.
    private struct Match {
        var before: String
        var after: String

        func replacing(_ comment: String) -> String { "\(before) \(comment) \(after)" }
    }

    private func destination(_ ip: IPAddress) -> Match {
        Match(before: "-d \(ip)", after: transportMatch(port.port))
    }

    private mutating func end(_ chain: IPTablesDispatch, _ match: Match, _ policy: TrafficPolicy) {
        let isElsewhere = policy == .local && !clusterEndpoints.isEmpty
        let reason = isElsewhere ? "has no local endpoints" : "has no endpoints"
        let text = IPTablesServiceRules.comment("\(name) \(reason)")
        dispatch[chain, default: []].append(
            "\(match.replacing(text)) -j \(isElsewhere ? "DROP" : "REJECT")")
    }
}
