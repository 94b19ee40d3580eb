/// To which BGP peers a node announces the addresses of a Service (metallb.io/v1beta1, as MetalLB defines it).
public struct ServiceBGPStatus: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "ServiceBGPStatus", plural: "servicebgpstatuses",
        singular: "servicebgpstatus", namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Who announces what, and to whom.
    public var status: ServiceBGPStatusStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), status: ServiceBGPStatusStatus? = nil) {
        self.metadata = metadata
        self.status = status
    }
}

/// Who announces what, and to whom.
public struct ServiceBGPStatusStatus: Codable, Hashable, Sendable {
    /// The node that announces.
    public var node: String?
    /// The Service.
    public var serviceName: String?
    /// Namespace of the Service.
    public var serviceNamespace: String?
    /// Names of the BGPPeers that the Service is meant for, sessions up or not.
    public var peers: [String]?

    public init(
        node: String? = nil, serviceName: String? = nil, serviceNamespace: String? = nil, peers: [String]? = nil
    ) {
        self.node = node
        self.serviceName = serviceName
        self.serviceNamespace = serviceNamespace
        self.peers = peers
    }
}
