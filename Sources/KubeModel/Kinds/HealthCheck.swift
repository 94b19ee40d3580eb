/// A check of the endpoints of Services, whoever made them (traffic.martlet.dev/v1).
public struct HealthCheck: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "traffic.martlet.dev", version: "v1", kind: "HealthCheck", plural: "healthchecks",
        singular: "healthcheck", namespaced: true,
        shortNames: ["hc"], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// What is checked and how.
    public var spec: HealthCheckSpec?
    /// What was found.
    public var status: HealthCheckStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: HealthCheckSpec? = nil, status: HealthCheckStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What is checked and how: exactly one of `httpGet`, `tcpSocket` and `grpc`.
public struct HealthCheckSpec: Codable, Hashable, Sendable {
    /// Services of the check's namespace.
    public var targetRefs: [HealthCheckTarget]?
    /// Succeeds on a status of 200–399. `host` is for the Host header: the connection goes to the endpoint.
    public var httpGet: HTTPGetAction?
    /// Succeeds when the connection opens; `host` is not used.
    public var tcpSocket: TCPSocketAction?
    /// Calls gRPC's health service in cleartext.
    public var grpc: HealthCheckGRPC?
    /// Between the checks of an endpoint; default 10.
    public var periodSeconds: Int?
    /// For each check, at most `periodSeconds`; default 1.
    public var timeoutSeconds: Int?
    /// Successes in a row that take an endpoint back in; default 1.
    public var successThreshold: Int?
    /// Failures in a row that take it out; default 3.
    public var failureThreshold: Int?
    /// What happens when every endpoint fails; absent means `KeepServing`.
    public var allFailedPolicy: String?

    public init(
        targetRefs: [HealthCheckTarget]? = nil, httpGet: HTTPGetAction? = nil, tcpSocket: TCPSocketAction? = nil,
        grpc: HealthCheckGRPC? = nil, periodSeconds: Int? = nil, timeoutSeconds: Int? = nil,
        successThreshold: Int? = nil, failureThreshold: Int? = nil, allFailedPolicy: String? = nil
    ) {
        self.targetRefs = targetRefs
        self.httpGet = httpGet
        self.tcpSocket = tcpSocket
        self.grpc = grpc
        self.periodSeconds = periodSeconds
        self.timeoutSeconds = timeoutSeconds
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
        self.allFailedPolicy = allFailedPolicy
    }
}

/// A Service whose endpoints are checked.
public struct HealthCheckTarget: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String

    public init(name: String = "") { self.name = name }
}

/// A call to gRPC's health service, at a port that may be named.
public struct HealthCheckGRPC: Codable, Hashable, Sendable {
    /// The port, or its name in the EndpointSlice.
    public var port: IntOrString
    /// The service to ask for.
    public var service: String?

    public init(port: IntOrString = .int(0), service: String? = nil) {
        self.port = port
        self.service = service
    }
}

/// What a check has found.
public struct HealthCheckStatus: Codable, Hashable, Sendable {
    /// Endpoints that are checked.
    public var endpoints: Int?
    /// Of these, those that fail.
    public var failing: Int?
    /// `Accepted` and `Healthy`.
    public var conditions: [Condition]?

    public init(endpoints: Int? = nil, failing: Int? = nil, conditions: [Condition]? = nil) {
        self.endpoints = endpoints
        self.failing = failing
        self.conditions = conditions
    }
}
