package import KubeModel
package import NetworkTypes
package import TrafficModel

/// A port of a Service, as enforcers tell them apart.
package struct ServicePortID: Hashable, Sendable, CustomStringConvertible {
    package var service: NamespacedName
    package var port: Port
    package var transport: TransportProtocol

    package init(service: NamespacedName, port: Port, transport: TransportProtocol) {
        self.service = service
        self.port = port
        self.transport = transport
    }

    package var description: String { "\(service):\(port)" }
}

/// The endpoints that one frontend chooses from, and how. Frontends of one Service port with the same value of
/// `ServiceBackendID` share their rotation and their session affinity.
package struct ServiceBackendID: Hashable, Sendable {
    package var port: ServicePortID
    package var family: IPFamily
    package var policy: TrafficPolicy

    package init(port: ServicePortID, family: IPFamily, policy: TrafficPolicy) {
        self.port = port
        self.family = family
        self.policy = policy
    }
}

/// What stands behind one address of a Service port.
package struct Frontend: Hashable, Sendable {
    /// Which of a Service's addresses this is.
    package enum Role: String, Hashable, Sendable {
        case clusterIP = "cluster IP"
        case externalIP = "external IP"
        case loadBalancerIP = "load-balancer IP"
        case nodePort = "node port"
    }

    /// What becomes of traffic while there is no endpoint for it.
    package enum Absence: Hashable, Sendable {
        /// The client is told at once: nobody serves this.
        case refused
        /// Silence: other nodes have endpoints, and what was sent to this one by mistake may be sent again elsewhere
        /// (kube-proxy's choice for `externalTrafficPolicy: Local`).
        case dropped
    }

    package var role: Role
    package var backend: ServiceBackendID
    /// In ascending order, without duplicates; may be empty.
    package var endpoints: [SocketAddress]
    package var absence: Absence
    /// Seconds an idle client keeps its endpoint; nil without session affinity.
    package var affinitySeconds: Int?
    /// How an endpoint is chosen; of session affinity, for a client that has none yet.
    package var balancing: ServiceBalancing
    /// What clients inside, which are this node itself and Pods, choose from where that is something else than for
    /// clients outside: `externalTrafficPolicy: Local` is about those who could have gone to another node. Nil: the same.
    package var insideEndpoints: [SocketAddress]?
    /// The clients that are served; all others are dropped.
    package var sourceRanges: SourceRanges

    package init(
        role: Role, backend: ServiceBackendID, endpoints: [SocketAddress], absence: Absence = .refused,
        insideEndpoints: [SocketAddress]? = nil, affinitySeconds: Int? = nil, balancing: ServiceBalancing = .random,
        sourceRanges: SourceRanges = .everyone
    ) {
        self.balancing = balancing
        self.role = role
        self.backend = backend
        self.endpoints = endpoints
        self.absence = absence
        self.insideEndpoints = insideEndpoints
        self.affinitySeconds = affinitySeconds
        self.sourceRanges = sourceRanges
    }
}
