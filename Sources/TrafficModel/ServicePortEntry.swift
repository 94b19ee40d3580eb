package import NetworkTypes

/// How far traffic may travel to reach an endpoint.
package enum TrafficPolicy: String, Hashable, Sendable {
    /// To every endpoint of the Service.
    case cluster = "Cluster"
    /// Only to endpoints on the node that received it.
    case local = "Local"

    /// Reads Kubernetes' spelling; absent means `Cluster`. A policy of another name was meant to keep something out:
    /// the narrower one stands in for it.
    package init(kubernetes name: String?) {
        guard let name, !name.isEmpty else {
            self = .cluster
            return
        }
        self = TrafficPolicy(rawValue: name) ?? .local
    }
}

/// One port of a Service with the endpoints behind it.
package struct ServicePortEntry: Hashable, Sendable {
    /// The port's name, empty when it has none.
    package var name: String
    package var transport: TransportProtocol
    /// Such as `kubernetes.io/h2c`.
    package var appProtocol: String?
    /// The port on cluster, external and load-balancer addresses.
    package var port: Port
    /// The port on every node, if it has one.
    package var nodePort: Port?
    /// Every endpoint in any state, without duplicates, ordered by address. See `usableEndpoints`.
    package var endpoints: [ServiceEndpoint]

    package init(
        name: String = "", transport: TransportProtocol = .tcp, appProtocol: String? = nil, port: Port,
        nodePort: Port? = nil, endpoints: [ServiceEndpoint] = []
    ) {
        self.name = name
        self.transport = transport
        self.appProtocol = appProtocol
        self.port = port
        self.nodePort = nodePort
        self.endpoints = endpoints
    }

    /// The endpoints that get traffic that may go anywhere: ready ones, else serving terminating ones.
    ///
    /// - Parameter family: restricts to one address family; a cluster IP reaches endpoints of its own family only.
    package func usableEndpoints(family: IPFamily? = nil) -> [ServiceEndpoint] {
        guard let family else { return endpoints.usable() }
        return endpoints.lazy.filter { $0.address.ip.family == family }.usable()
    }

    /// The endpoints that get traffic under a policy, as seen from a node.
    ///
    /// `Local` chooses among the node's own endpoints only, with the same fallback to terminating ones; `Cluster` heeds
    /// the hints of ready endpoints (`TrafficHints`).
    package func usableEndpoints(
        family: IPFamily? = nil, policy: TrafficPolicy, on node: NodeIdentity
    ) -> [ServiceEndpoint] {
        guard policy == .local else {
            let usable = usableEndpoints(family: family)
            return usable.first?.isReady == true ? TrafficHints.close(usable, to: node) : usable
        }
        return endpoints.lazy.filter {
            (family == nil || $0.address.ip.family == family) && node.isHome(of: $0)
        }.usable()
    }
}
