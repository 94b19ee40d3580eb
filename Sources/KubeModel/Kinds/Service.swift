/// A Kubernetes Service (core/v1): a stable virtual address in front of a changing set of endpoints.
public struct Service: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Service", plural: "services", singular: "service", namespaced: true,
        shortNames: ["svc"], categories: ["all"], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The wanted behaviour.
    public var spec: ServiceSpec?
    /// The published load-balancer addresses and conditions.
    public var status: ServiceStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: ServiceSpec? = nil, status: ServiceStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The wanted behaviour of a Service. Values are those of the Kubernetes API reference, `ServiceSpec v1 core`.
public struct ServiceSpec: Codable, Hashable, Sendable {
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`; absent means `ClusterIP`.
    public var type: String?
    /// The first cluster IP, `None` for a headless Service.
    public var clusterIP: String?
    /// Every cluster IP, one a family; `["None"]` for a headless Service.
    public var clusterIPs: [String]?
    /// `IPv4`, `IPv6`, in order of preference.
    public var ipFamilies: [String]?
    /// `SingleStack`, `PreferDualStack` or `RequireDualStack`.
    public var ipFamilyPolicy: String?
    /// The ports it exposes.
    public var ports: [ServicePort]?
    /// The labels of the Pods behind it; absent or empty when endpoints are managed by somebody else.
    public var selector: [String: String]?
    /// Further addresses that nodes accept traffic for.
    public var externalIPs: [String]?
    /// The DNS name that an `ExternalName` Service stands for.
    public var externalName: String?
    /// The load-balancer address asked for (deprecated, still honoured).
    public var loadBalancerIP: String?
    /// The load balancer that owns this Service; immutable once set.
    public var loadBalancerClass: String?
    /// The client networks that may use the load-balancer address.
    public var loadBalancerSourceRanges: [String]?
    /// Whether a `LoadBalancer` Service gets node ports; absent means true.
    public var allocateLoadBalancerNodePorts: Bool?
    /// `None` or `ClientIP`.
    public var sessionAffinity: String?
    /// The time-out of `ClientIP` affinity.
    public var sessionAffinityConfig: SessionAffinityConfig?
    /// `Cluster` or `Local`.
    public var externalTrafficPolicy: String?
    /// `Cluster` or `Local`.
    public var internalTrafficPolicy: String?
    /// The node port of the health check of a `Local` load balancer.
    public var healthCheckNodePort: Int?
    /// Whether endpoints count as ready whatever their Pods say.
    public var publishNotReadyAddresses: Bool?
    /// A hint such as `PreferSameZone`.
    public var trafficDistribution: String?

    public init(
        type: String? = nil, clusterIP: String? = nil, clusterIPs: [String]? = nil, ipFamilies: [String]? = nil,
        ipFamilyPolicy: String? = nil, ports: [ServicePort]? = nil, selector: [String: String]? = nil,
        externalIPs: [String]? = nil, externalName: String? = nil, loadBalancerIP: String? = nil,
        loadBalancerClass: String? = nil, loadBalancerSourceRanges: [String]? = nil,
        allocateLoadBalancerNodePorts: Bool? = nil, sessionAffinity: String? = nil,
        sessionAffinityConfig: SessionAffinityConfig? = nil, externalTrafficPolicy: String? = nil,
        internalTrafficPolicy: String? = nil, healthCheckNodePort: Int? = nil, publishNotReadyAddresses: Bool? = nil,
        trafficDistribution: String? = nil
    ) {
        self.type = type
        self.clusterIP = clusterIP
        self.clusterIPs = clusterIPs
        self.ipFamilies = ipFamilies
        self.ipFamilyPolicy = ipFamilyPolicy
        self.ports = ports
        self.selector = selector
        self.externalIPs = externalIPs
        self.externalName = externalName
        self.loadBalancerIP = loadBalancerIP
        self.loadBalancerClass = loadBalancerClass
        self.loadBalancerSourceRanges = loadBalancerSourceRanges
        self.allocateLoadBalancerNodePorts = allocateLoadBalancerNodePorts
        self.sessionAffinity = sessionAffinity
        self.sessionAffinityConfig = sessionAffinityConfig
        self.externalTrafficPolicy = externalTrafficPolicy
        self.internalTrafficPolicy = internalTrafficPolicy
        self.healthCheckNodePort = healthCheckNodePort
        self.publishNotReadyAddresses = publishNotReadyAddresses
        self.trafficDistribution = trafficDistribution
    }
}

/// One port of a Service.
public struct ServicePort: Codable, Hashable, Sendable {
    /// Unique in the Service; absent only when there is a single port.
    public var name: String?
    /// `TCP`, `UDP` or `SCTP`; absent means `TCP`.
    public var `protocol`: String?
    /// The application protocol, such as `kubernetes.io/h2c`.
    public var appProtocol: String?
    /// The port on the cluster IP, 1–65535.
    public var port: Int
    /// The port or port name on the Pods; absent means `port`.
    public var targetPort: IntOrString?
    /// The port on every node, for `NodePort` and `LoadBalancer`.
    public var nodePort: Int?

    public init(
        name: String? = nil, `protocol`: String? = nil, appProtocol: String? = nil, port: Int = 0,
        targetPort: IntOrString? = nil, nodePort: Int? = nil
    ) {
        self.name = name
        self.protocol = `protocol`
        self.appProtocol = appProtocol
        self.port = port
        self.targetPort = targetPort
        self.nodePort = nodePort
    }
}

/// The configuration of session affinity.
public struct SessionAffinityConfig: Codable, Hashable, Sendable {
    /// That of `ClientIP` affinity.
    public var clientIP: ClientIPConfig?

    public init(
        clientIP: ClientIPConfig? = nil
    ) {
        self.clientIP = clientIP
    }
}

/// How long an idle client keeps its endpoint.
public struct ClientIPConfig: Codable, Hashable, Sendable {
    /// 1–86400; the default is 10800.
    public var timeoutSeconds: Int?

    public init(
        timeoutSeconds: Int? = nil
    ) {
        self.timeoutSeconds = timeoutSeconds
    }
}

/// What was published about a Service.
public struct ServiceStatus: Codable, Hashable, Sendable {
    /// The load balancer's addresses.
    public var loadBalancer: LoadBalancerStatus?
    /// Conditions, by type.
    public var conditions: [Condition]?

    public init(
        loadBalancer: LoadBalancerStatus? = nil, conditions: [Condition]? = nil
    ) {
        self.loadBalancer = loadBalancer
        self.conditions = conditions
    }
}

/// The addresses of a load balancer.
public struct LoadBalancerStatus: Codable, Hashable, Sendable {
    /// One entry for each address.
    public var ingress: [LoadBalancerIngress]?

    public init(
        ingress: [LoadBalancerIngress]? = nil
    ) {
        self.ingress = ingress
    }
}

/// One address of a load balancer, of a Service or an Ingress.
public struct LoadBalancerIngress: Codable, Hashable, Sendable {
    /// An IP address, or
    public var ip: String?
    /// a DNS name.
    public var hostname: String?
    /// `VIP` or `Proxy`: how traffic reaches the node. Only for Services.
    public var ipMode: String?
    /// The state of its ports.
    public var ports: [PortStatus]?

    public init(
        ip: String? = nil, hostname: String? = nil, ipMode: String? = nil, ports: [PortStatus]? = nil
    ) {
        self.ip = ip
        self.hostname = hostname
        self.ipMode = ipMode
        self.ports = ports
    }
}

/// The state of one port of a load balancer.
public struct PortStatus: Codable, Hashable, Sendable {
    /// The port.
    public var port: Int
    /// Its protocol.
    public var `protocol`: String?
    /// Why it is not served.
    public var error: String?

    public init(
        port: Int = 0, `protocol`: String? = nil, error: String? = nil
    ) {
        self.port = port
        self.protocol = `protocol`
        self.error = error
    }
}
