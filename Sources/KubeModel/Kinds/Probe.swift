/// A periodic check of a container.
public struct Probe: Codable, Hashable, Sendable {
    /// Succeeds on a status of 200–399.
    public var httpGet: HTTPGetAction?
    /// Succeeds when the connection opens.
    public var tcpSocket: TCPSocketAction?
    /// Calls gRPC's health service.
    public var grpc: GRPCAction?
    /// Runs a command in the container.
    public var exec: ExecAction?
    /// Before the first check; default 0.
    public var initialDelaySeconds: Int?
    /// Between checks; default 10, at least 1.
    public var periodSeconds: Int?
    /// For each check; default 1, at least 1.
    public var timeoutSeconds: Int?
    /// Successes in a row that make it ready; default 1.
    public var successThreshold: Int?
    /// Failures in a row that make it unready; default 3.
    public var failureThreshold: Int?

    public init(
        httpGet: HTTPGetAction? = nil, tcpSocket: TCPSocketAction? = nil, grpc: GRPCAction? = nil,
        exec: ExecAction? = nil, initialDelaySeconds: Int? = nil, periodSeconds: Int? = nil,
        timeoutSeconds: Int? = nil, successThreshold: Int? = nil, failureThreshold: Int? = nil
    ) {
        self.httpGet = httpGet
        self.tcpSocket = tcpSocket
        self.grpc = grpc
        self.exec = exec
        self.initialDelaySeconds = initialDelaySeconds
        self.periodSeconds = periodSeconds
        self.timeoutSeconds = timeoutSeconds
        self.successThreshold = successThreshold
        self.failureThreshold = failureThreshold
    }
}

/// An HTTP request as a check.
public struct HTTPGetAction: Codable, Hashable, Sendable {
    /// The path, `/` if absent.
    public var path: String?
    /// The port, or the name of a container port.
    public var port: IntOrString
    /// The host to connect to, the Pod's address if absent.
    public var host: String?
    /// `HTTP` or `HTTPS`; the certificate is not checked.
    public var scheme: String?
    /// Headers to send.
    public var httpHeaders: [HTTPHeader]?

    public init(
        path: String? = nil, port: IntOrString = .int(0), host: String? = nil, scheme: String? = nil,
        httpHeaders: [HTTPHeader]? = nil
    ) {
        self.path = path
        self.port = port
        self.host = host
        self.scheme = scheme
        self.httpHeaders = httpHeaders
    }
}

/// A header of a check.
public struct HTTPHeader: Codable, Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Its value.
    public var value: String

    public init(
        name: String = "", value: String = ""
    ) {
        self.name = name
        self.value = value
    }
}

/// A connection as a check.
public struct TCPSocketAction: Codable, Hashable, Sendable {
    /// The port, or the name of a container port.
    public var port: IntOrString
    /// The host to connect to, the Pod's address if absent.
    public var host: String?

    public init(
        port: IntOrString = .int(0), host: String? = nil
    ) {
        self.port = port
        self.host = host
    }
}

/// A call to gRPC's health service as a check.
public struct GRPCAction: Codable, Hashable, Sendable {
    /// The port.
    public var port: Int
    /// The service to ask for.
    public var service: String?

    public init(
        port: Int = 0, service: String? = nil
    ) {
        self.port = port
        self.service = service
    }
}

/// A command as a check.
public struct ExecAction: Codable, Hashable, Sendable {
    /// The command and its arguments.
    public var command: [String]?

    public init(
        command: [String]? = nil
    ) {
        self.command = command
    }
}
