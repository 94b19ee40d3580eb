/// The compiled routes of one Ingress (traffic.martlet.dev/v1), which the data plane enforces.
public struct RouteTable: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "traffic.martlet.dev", version: "v1", kind: "RouteTable", plural: "routetables", singular: "routetable",
        namespaced: true,
        shortNames: ["rt"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The routes.
    public var spec: RouteTableSpec?
    /// What became of them.
    public var status: RouteTableStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: RouteTableSpec? = nil, status: RouteTableStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The routes of a RouteTable.
public struct RouteTableSpec: Codable, Hashable, Sendable {
    /// The ingress controller that compiled it, and the only one that may delete it.
    public var controllerName: String?
    /// The class of the Ingress, if it names one.
    public var ingressClassName: String?
    /// Routes by host and path.
    public var rules: [RouteTableRule]?
    /// For requests that match no rule of any table.
    public var defaultBackend: RouteBackend?
    /// Certificates by host.
    public var tls: [RouteTableTLS]?
    /// What clients of the hosts must show of themselves.
    public var clientCertificates: RouteTableClientCertificates?
    /// TLS connections for the hosts go to the backend of the path `/` as they are.
    public var passesTLSThrough: Bool?
    /// What is done with the requests of the routes before a backend sees them, and with what is answered.
    public var filters: RouteFilters?
    /// What holds for the hosts as a whole.
    public var hostSettings: RouteHostSettings?
    /// These routes take part of the requests of the same routes of another table, and none of their own.
    public var canary: RouteCanary?
    /// Paths are regular expressions: of this table, and of every table of the same controller with the same host.
    public var pathPatterns: Bool?
    /// What becomes of the paths of requests; one makes paths regular expressions, too.
    public var rewrite: RouteRewrite?
    /// When the Ingress was created: the older one wins a conflict between tables, then namespace and name in order.
    public var sourceCreationTimestamp: Timestamp?

    public init(
        controllerName: String? = nil, ingressClassName: String? = nil, rules: [RouteTableRule]? = nil,
        defaultBackend: RouteBackend? = nil, tls: [RouteTableTLS]? = nil,
        clientCertificates: RouteTableClientCertificates? = nil, passesTLSThrough: Bool? = nil,
        filters: RouteFilters? = nil, hostSettings: RouteHostSettings? = nil, canary: RouteCanary? = nil,
        pathPatterns: Bool? = nil, rewrite: RouteRewrite? = nil,
        sourceCreationTimestamp: Timestamp? = nil
    ) {
        self.controllerName = controllerName
        self.ingressClassName = ingressClassName
        self.rules = rules
        self.defaultBackend = defaultBackend
        self.tls = tls
        self.clientCertificates = clientCertificates
        self.passesTLSThrough = passesTLSThrough
        self.filters = filters
        self.hostSettings = hostSettings
        self.canary = canary
        self.pathPatterns = pathPatterns
        self.rewrite = rewrite
        self.sourceCreationTimestamp = sourceCreationTimestamp
    }
}

/// The routes of one host.
public struct RouteTableRule: Codable, Hashable, Sendable {
    /// A host name, `*.` before one for any single label, absent or empty for every host.
    public var host: String?
    /// In no order that matters.
    public var paths: [RoutePath]?

    public init(
        host: String? = nil, paths: [RoutePath]? = nil
    ) {
        self.host = host
        self.paths = paths
    }
}

/// One path.
public struct RoutePath: Codable, Hashable, Sendable {
    /// Begins with `/`.
    public var path: String
    /// `Exact` or `Prefix`.
    public var pathType: String
    /// Where its requests go; absent when the Ingress names something that cannot be served, which is answered with
    /// 503.
    public var backend: RouteBackend?

    public init(
        path: String = "/", pathType: String = "Prefix", backend: RouteBackend? = nil
    ) {
        self.path = path
        self.pathType = pathType
        self.backend = backend
    }

    /// Paths are bytes: two that Unicode holds to be equivalent are two, and a change from one to the other is a change.
    public static func == (left: RoutePath, right: RoutePath) -> Bool {
        ByteKey(left.path) == ByteKey(right.path) && left.pathType == right.pathType && left.backend == right.backend
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(ByteKey(path))
        hasher.combine(pathType)
        hasher.combine(backend)
    }
}

/// A port of a Service in the table's namespace.
public struct RouteBackend: Codable, Hashable, Sendable {
    /// The Service's name.
    public var serviceName: String
    /// Its port by name or number.
    public var port: ServiceBackendPort?
    /// What its endpoints speak, in place of the `appProtocol` of the Service's port.
    public var appProtocol: String?
    /// How requests are shared among them.
    public var policy: RouteBackendPolicy?

    public init(
        serviceName: String = "", port: ServiceBackendPort? = nil, appProtocol: String? = nil,
        policy: RouteBackendPolicy? = nil
    ) {
        self.serviceName = serviceName
        self.port = port
        self.appProtocol = appProtocol
        self.policy = policy
    }
}

/// A certificate for some hosts.
public struct RouteTableTLS: Codable, Hashable, Sendable {
    /// The host names, exact or wildcard; empty for every host.
    public var hosts: [String]?
    /// The Secret in the table's namespace with `tls.crt` and `tls.key`.
    public var secretName: String?

    public init(
        hosts: [String]? = nil, secretName: String? = nil
    ) {
        self.hosts = hosts
        self.secretName = secretName
    }
}

/// What became of a RouteTable.
public struct RouteTableStatus: Codable, Hashable, Sendable {
    /// `Accepted` from the compiler, `Programmed` from the data plane.
    public var conditions: [Condition]?

    public init(
        conditions: [Condition]? = nil
    ) {
        self.conditions = conditions
    }
}
