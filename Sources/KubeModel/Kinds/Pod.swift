/// A Pod (core/v1): the fields that make it a backend.
public struct Pod: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Pod", plural: "pods", singular: "pod", namespaced: true,
        shortNames: ["po"], categories: ["all"], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// What it runs.
    public var spec: PodSpec?
    /// How it is.
    public var status: PodStatus?

    public init(
        metadata: ObjectMeta = ObjectMeta(), spec: PodSpec? = nil, status: PodStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.status = status
    }
}

/// What a Pod runs.
public struct PodSpec: Codable, Hashable, Sendable {
    /// Its containers.
    public var containers: [Container]?
    /// Containers that run first; those with restart policy `Always` stay.
    public var initContainers: [Container]?
    /// The node that it runs on.
    public var nodeName: String?
    /// Its host name.
    public var hostname: String?
    /// Its subdomain, the name of a headless Service.
    public var subdomain: String?
    /// Whether it shares the node's network.
    public var hostNetwork: Bool?
    /// How long it may take to stop.
    public var terminationGracePeriodSeconds: Int?
    /// `Always`, `OnFailure` or `Never`.
    public var restartPolicy: String?
    /// Further conditions that readiness needs.
    public var readinessGates: [PodReadinessGate]?

    public init(
        containers: [Container]? = nil, initContainers: [Container]? = nil, nodeName: String? = nil,
        hostname: String? = nil, subdomain: String? = nil, hostNetwork: Bool? = nil,
        terminationGracePeriodSeconds: Int? = nil, restartPolicy: String? = nil,
        readinessGates: [PodReadinessGate]? = nil
    ) {
        self.containers = containers
        self.initContainers = initContainers
        self.nodeName = nodeName
        self.hostname = hostname
        self.subdomain = subdomain
        self.hostNetwork = hostNetwork
        self.terminationGracePeriodSeconds = terminationGracePeriodSeconds
        self.restartPolicy = restartPolicy
        self.readinessGates = readinessGates
    }
}

extension PodSpec {
    /// Init containers that go on running beside the others (KEP-753).
    public var sidecars: [Container] { (initContainers ?? []).filter { $0.restartPolicy == "Always" } }
    /// Everything whose readiness is the Pod's.
    public var longRunningContainers: [Container] { sidecars + (containers ?? []) }
}

/// A condition that readiness needs.
public struct PodReadinessGate: Codable, Hashable, Sendable {
    /// The condition's type.
    public var conditionType: String

    public init(
        conditionType: String = ""
    ) {
        self.conditionType = conditionType
    }
}

/// One container of a Pod.
public struct Container: Codable, Hashable, Sendable {
    /// Unique in the Pod.
    public var name: String
    /// The image.
    public var image: String?
    /// The ports it listens on.
    public var ports: [ContainerPort]?
    /// When it may get traffic.
    public var readinessProbe: Probe?
    /// `Always` makes an init container a sidecar.
    public var restartPolicy: String?

    public init(
        name: String = "", image: String? = nil, ports: [ContainerPort]? = nil, readinessProbe: Probe? = nil,
        restartPolicy: String? = nil
    ) {
        self.name = name
        self.image = image
        self.ports = ports
        self.readinessProbe = readinessProbe
        self.restartPolicy = restartPolicy
    }
}

/// A port that a container listens on.
public struct ContainerPort: Codable, Hashable, Sendable {
    /// A name, unique in the Pod.
    public var name: String?
    /// The number.
    public var containerPort: Int
    /// `TCP`, `UDP` or `SCTP`; absent means `TCP`.
    public var `protocol`: String?
    /// The port on the node.
    public var hostPort: Int?

    public init(
        name: String? = nil, containerPort: Int = 0, `protocol`: String? = nil, hostPort: Int? = nil
    ) {
        self.name = name
        self.containerPort = containerPort
        self.protocol = `protocol`
        self.hostPort = hostPort
    }
}
