/// Some of the endpoints of a Service (discovery.k8s.io/v1), all of one address type.
public struct EndpointSlice: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "discovery.k8s.io", version: "v1", kind: "EndpointSlice", plural: "endpointslices",
        singular: "endpointslice", namespaced: true,
        shortNames: [], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// `IPv4`, `IPv6` or `FQDN`; immutable.
    public var addressType: String
    /// At most 1000 of them.
    public var endpoints: [Endpoint]?
    /// The ports of every endpoint in the slice.
    public var ports: [EndpointPort]?

    public init(
        metadata: ObjectMeta = ObjectMeta(), addressType: String = "IPv4", endpoints: [Endpoint]? = nil,
        ports: [EndpointPort]? = nil
    ) {
        self.metadata = metadata
        self.addressType = addressType
        self.endpoints = endpoints
        self.ports = ports
    }
}

/// One backend of a Service.
public struct Endpoint: Codable, Hashable, Sendable {
    /// Its addresses, all of the slice's type; consumers use the first.
    public var addresses: [String]?
    /// Whether it may get traffic.
    public var conditions: EndpointConditions?
    /// Its name in the Service's DNS zone.
    public var hostname: String?
    /// The Pod behind it.
    public var targetRef: ObjectReference?
    /// The node that it runs on.
    public var nodeName: String?
    /// The zone of that node.
    public var zone: String?
    /// For whom it is meant first.
    public var hints: EndpointHints?

    public init(
        addresses: [String]? = nil, conditions: EndpointConditions? = nil, hostname: String? = nil,
        targetRef: ObjectReference? = nil, nodeName: String? = nil, zone: String? = nil,
        hints: EndpointHints? = nil
    ) {
        self.addresses = addresses
        self.conditions = conditions
        self.hostname = hostname
        self.targetRef = targetRef
        self.nodeName = nodeName
        self.zone = zone
        self.hints = hints
    }
}

/// For whom an endpoint is meant first.
public struct EndpointHints: Codable, Hashable, Sendable {
    public var forZones: [EndpointHintTarget]?
    public var forNodes: [EndpointHintTarget]?

    public init(forZones: [EndpointHintTarget]? = nil, forNodes: [EndpointHintTarget]? = nil) {
        self.forZones = forZones
        self.forNodes = forNodes
    }
}

/// A zone or a node that an endpoint is meant for.
public struct EndpointHintTarget: Codable, Hashable, Sendable {
    public var name: String

    public init(name: String) { self.name = name }
}

/// Whether an endpoint may get traffic.
public struct EndpointConditions: Codable, Hashable, Sendable {
    /// It may; absent counts as true. Never true while terminating unless `publishNotReadyAddresses` is set.
    public var ready: Bool?
    /// As `ready`, terminating or not; absent counts as `ready`.
    public var serving: Bool?
    /// It is being deleted; absent counts as false.
    public var terminating: Bool?

    public init(
        ready: Bool? = nil, serving: Bool? = nil, terminating: Bool? = nil
    ) {
        self.ready = ready
        self.serving = serving
        self.terminating = terminating
    }
}

/// A port of the endpoints of a slice or subset.
public struct EndpointPort: Codable, Hashable, Sendable {
    /// The name of the Service port that it belongs to.
    public var name: String?
    /// The number; absent in a slice means every port.
    public var port: Int?
    /// `TCP`, `UDP` or `SCTP`; absent means `TCP`.
    public var `protocol`: String?
    /// The application protocol.
    public var appProtocol: String?

    public init(
        name: String? = nil, port: Int? = nil, `protocol`: String? = nil, appProtocol: String? = nil
    ) {
        self.name = name
        self.port = port
        self.protocol = `protocol`
        self.appProtocol = appProtocol
    }
}
