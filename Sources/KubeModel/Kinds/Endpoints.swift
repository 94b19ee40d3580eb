/// The endpoints of a Service as one object (core/v1), the form that EndpointSlice replaced.
public struct Endpoints: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "", version: "v1", kind: "Endpoints", plural: "endpoints", singular: "endpoints", namespaced: true,
        shortNames: ["ep"], categories: [], hasStatus: false)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Addresses grouped by the ports that they share.
    public var subsets: [EndpointSubset]?

    public init(
        metadata: ObjectMeta = ObjectMeta(), subsets: [EndpointSubset]? = nil
    ) {
        self.metadata = metadata
        self.subsets = subsets
    }
}

/// The product of some addresses and some ports.
public struct EndpointSubset: Codable, Hashable, Sendable {
    /// Those that are ready.
    public var addresses: [EndpointAddress]?
    /// Those that are not.
    public var notReadyAddresses: [EndpointAddress]?
    /// The ports of each.
    public var ports: [EndpointPort]?

    public init(
        addresses: [EndpointAddress]? = nil, notReadyAddresses: [EndpointAddress]? = nil, ports: [EndpointPort]? = nil
    ) {
        self.addresses = addresses
        self.notReadyAddresses = notReadyAddresses
        self.ports = ports
    }
}

/// One address in a subset.
public struct EndpointAddress: Codable, Hashable, Sendable {
    /// The IP address.
    public var ip: String
    /// Its name in the Service's DNS zone.
    public var hostname: String?
    /// The node that it runs on.
    public var nodeName: String?
    /// The Pod behind it.
    public var targetRef: ObjectReference?

    public init(
        ip: String = "", hostname: String? = nil, nodeName: String? = nil, targetRef: ObjectReference? = nil
    ) {
        self.ip = ip
        self.hostname = hostname
        self.nodeName = nodeName
        self.targetRef = targetRef
    }
}
