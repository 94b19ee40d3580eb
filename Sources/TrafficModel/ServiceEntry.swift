package import KubeModel
package import NetworkTypes

/// Everything that traffic needs to know about one Service.
package struct ServiceEntry: Hashable, Sendable {
    /// What a Service's type means for traffic.
    package enum Form: Hashable, Sendable {
        /// It has cluster IPs, and perhaps node ports and load-balancer addresses.
        case virtual
        /// `clusterIP: None`: clients find its endpoints by name.
        case headless
        /// It stands for a DNS name.
        case externalName(String)
    }

    package var key: NamespacedName
    package var uid: ObjectUID
    package var form: Form
    /// Cluster IPs, first the one of the preferred family.
    package var clusterIPs: [IPAddress]
    package var externalIPs: [IPAddress]
    /// Published load-balancer addresses that nodes answer themselves (`ipMode: VIP`).
    package var loadBalancerIPs: [IPAddress]
    /// The client networks that may use load-balancer addresses.
    package var loadBalancerSourceRanges: SourceRanges
    /// How many seconds an idle client keeps its endpoint; nil without session affinity.
    package var affinitySeconds: Int?
    /// How an endpoint is chosen; nothing beside session affinity.
    package var balancing: ServiceBalancing
    package var externalTrafficPolicy: TrafficPolicy
    package var internalTrafficPolicy: TrafficPolicy
    /// Where a load balancer in front asks whether this node has endpoints; nil for Services that have no such port.
    package var healthCheckNodePort: Port?
    package var ports: [ServicePortEntry]
    /// When it was made, in seconds since 1970; 0 where nobody says.
    package var created: Int64

    package init(
        key: NamespacedName, uid: ObjectUID = ObjectUID(""), form: Form = .virtual, clusterIPs: [IPAddress] = [],
        externalIPs: [IPAddress] = [], loadBalancerIPs: [IPAddress] = [],
        loadBalancerSourceRanges: SourceRanges = .everyone,
        affinitySeconds: Int? = nil, balancing: ServiceBalancing = .random,
        externalTrafficPolicy: TrafficPolicy = .cluster,
        internalTrafficPolicy: TrafficPolicy = .cluster, healthCheckNodePort: Port? = nil,
        ports: [ServicePortEntry] = [], created: Int64 = 0
    ) {
        self.key = key
        self.uid = uid
        self.form = form
        self.clusterIPs = clusterIPs
        self.externalIPs = externalIPs
        self.loadBalancerIPs = loadBalancerIPs
        self.loadBalancerSourceRanges = loadBalancerSourceRanges
        self.affinitySeconds = affinitySeconds
        self.balancing = balancing
        self.externalTrafficPolicy = externalTrafficPolicy
        self.internalTrafficPolicy = internalTrafficPolicy
        self.healthCheckNodePort = healthCheckNodePort
        self.ports = ports
        self.created = created
    }
}

extension ServiceEntry {
    /// Reads a Service, without its endpoints. Values that make no sense (they cannot pass the API server) are left
    /// out rather than guessed.
    package init(_ service: Service) {
        let spec = service.spec ?? ServiceSpec()
        let form: Form
        switch (spec.type ?? "ClusterIP", spec.clusterIP ?? "") {
        case ("ExternalName", _): form = .externalName(spec.externalName ?? "")
        case (_, "None"): form = .headless
        default: form = .virtual
        }
        var clusterIPs = (spec.clusterIPs ?? []).compactMap { IPAddress($0) }
        if clusterIPs.isEmpty, let only = spec.clusterIP.flatMap({ IPAddress($0) }) { clusterIPs = [only] }
        let hasNodePorts = spec.type == "NodePort" || spec.type == "LoadBalancer"
        let ingress = spec.type == "LoadBalancer" ? service.status?.loadBalancer?.ingress ?? [] : []
        self.init(
            key: NamespacedName(service.metadata).detached, uid: ObjectUID(service.metadata.uid ?? ""), form: form,
            clusterIPs: form == .virtual ? clusterIPs : [],
            externalIPs: form == .virtual ? (spec.externalIPs ?? []).compactMap { IPAddress($0) } : [],
            loadBalancerIPs: ingress.compactMap { entry in
                // In any other mode than VIP somebody else answers on the address.
                entry.ipMode ?? "VIP" == "VIP" ? entry.ip.flatMap { IPAddress($0) } : nil
            },
            loadBalancerSourceRanges: SourceRanges(
                spec: spec.loadBalancerSourceRanges,
                annotation: service.metadata.annotations?[SourceRanges.annotation]),
            affinitySeconds: spec.sessionAffinity == "ClientIP"
                ? spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10800 : nil,
            balancing: ServiceBalancing(annotation: service.metadata.annotations?[ServiceBalancing.annotation]),
            externalTrafficPolicy: TrafficPolicy(kubernetes: spec.externalTrafficPolicy),
            internalTrafficPolicy: TrafficPolicy(kubernetes: spec.internalTrafficPolicy),
            healthCheckNodePort: spec.type == "LoadBalancer" && spec.externalTrafficPolicy == "Local"
                ? Port(kubernetes: spec.healthCheckNodePort) : nil,
            ports: (spec.ports ?? []).compactMap { port in
                guard let number = Port(kubernetes: port.port),
                    let transport = TransportProtocol(kubernetes: port.protocol)
                else { return nil }
                return ServicePortEntry(
                    name: port.name ?? "", transport: transport, appProtocol: port.appProtocol, port: number,
                    nodePort: hasNodePorts ? Port(kubernetes: port.nodePort) : nil)
            },
            created: service.metadata.creationTimestamp?.secondsSinceEpoch ?? 0)
    }
}

extension ServiceEntry {
    /// The older way to say who may use load-balancer addresses; the field counts where both are there.
    private static let sourceRangesAnnotation = "service.beta.kubernetes.io/load-balancer-source-ranges"
}

extension Port {
    /// A port number from an API object: nil when it is absent or outside 1–65535.
    package init?(kubernetes number: Int?) {
        guard let number, let value = UInt16(exactly: number), value != 0 else { return nil }
        self.init(rawValue: value)
    }
}
