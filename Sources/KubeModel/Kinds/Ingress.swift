/// An Ingress (networking.k8s.io/v1): HTTP routes to Services.
public struct Ingress: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "networking.k8s.io", version: "v1", kind: "Ingress", plural: "ingresses", singular: "ingress",
        namespaced: true,
        shortNames: ["ing"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// The wanted routes.
    public var spec: IngressSpec?
    /// Where the routes are served.
    public var status: IngressStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: IngressSpec? = nil, status: IngressStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// The wanted routes of an Ingress.
public struct IngressSpec: Codable, Hashable, Sendable {
    /// The IngressClass that says which controller serves it.
    public var ingressClassName: String?
    /// For requests that match no rule.
    public var defaultBackend: IngressBackend?
    /// Routes by host and path.
    public var rules: [IngressRule]?
    /// Certificates by host.
    public var tls: [IngressTLS]?

    public init(
        ingressClassName: String? = nil, defaultBackend: IngressBackend? = nil, rules: [IngressRule]? = nil,
        tls: [IngressTLS]? = nil
    ) {
        self.ingressClassName = ingressClassName
        self.defaultBackend = defaultBackend
        self.rules = rules
        self.tls = tls
    }
}

/// The routes of one host.
public struct IngressRule: Codable, Hashable, Sendable {
    /// A host name, `*.` before one for any single label, absent for every host.
    public var host: String?
    /// Its paths.
    public var http: HTTPIngressRuleValue?

    public init(
        host: String? = nil, http: HTTPIngressRuleValue? = nil
    ) {
        self.host = host
        self.http = http
    }
}

/// The paths of one host.
public struct HTTPIngressRuleValue: Codable, Hashable, Sendable {
    /// In no order that matters.
    public var paths: [HTTPIngressPath]?

    public init(
        paths: [HTTPIngressPath]? = nil
    ) {
        self.paths = paths
    }
}

/// One path.
public struct HTTPIngressPath: Codable, Hashable, Sendable {
    /// Begins with `/` for `Exact` and `Prefix`.
    public var path: String?
    /// `Exact`, `Prefix` or `ImplementationSpecific`.
    public var pathType: String?
    /// Where its requests go.
    public var backend: IngressBackend

    public init(
        path: String? = nil, pathType: String? = nil, backend: IngressBackend = IngressBackend()
    ) {
        self.path = path
        self.pathType = pathType
        self.backend = backend
    }
}

/// Where requests go: a Service, or a resource that the controller knows.
public struct IngressBackend: Codable, Hashable, Sendable {
    /// A port of a Service in the same namespace.
    public var service: IngressServiceBackend?
    /// Another object in the same namespace.
    public var resource: TypedLocalObjectReference?

    public init(
        service: IngressServiceBackend? = nil, resource: TypedLocalObjectReference? = nil
    ) {
        self.service = service
        self.resource = resource
    }
}

/// A port of a Service.
public struct IngressServiceBackend: Codable, Hashable, Sendable {
    /// The Service's name.
    public var name: String
    /// Its port.
    public var port: ServiceBackendPort?

    public init(
        name: String = "", port: ServiceBackendPort? = nil
    ) {
        self.name = name
        self.port = port
    }
}

/// A port of a Service by name or number; exactly one is set.
public struct ServiceBackendPort: Codable, Hashable, Sendable {
    /// The port's name.
    public var name: String?
    /// The port's number.
    public var number: Int?

    public init(
        name: String? = nil, number: Int? = nil
    ) {
        self.name = name
        self.number = number
    }
}

/// An object in the same namespace.
public struct TypedLocalObjectReference: Codable, Hashable, Sendable {
    /// Its group, absent for the core group.
    public var apiGroup: String?
    /// Its kind.
    public var kind: String
    /// Its name.
    public var name: String

    public init(
        apiGroup: String? = nil, kind: String = "", name: String = ""
    ) {
        self.apiGroup = apiGroup
        self.kind = kind
        self.name = name
    }
}

/// A certificate for some hosts.
public struct IngressTLS: Codable, Hashable, Sendable {
    /// The host names that use it; absent means every host of the Ingress.
    public var hosts: [String]?
    /// The Secret with `tls.crt` and `tls.key`.
    public var secretName: String?

    public init(
        hosts: [String]? = nil, secretName: String? = nil
    ) {
        self.hosts = hosts
        self.secretName = secretName
    }
}

/// Where an Ingress is served.
public struct IngressStatus: Codable, Hashable, Sendable {
    /// The addresses that clients connect to.
    public var loadBalancer: LoadBalancerStatus?

    public init(
        loadBalancer: LoadBalancerStatus? = nil
    ) {
        self.loadBalancer = loadBalancer
    }
}
