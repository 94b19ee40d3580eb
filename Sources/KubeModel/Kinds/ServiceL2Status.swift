/// Which node announces the addresses of a Service on the local network (metallb.io/v1beta1, as MetalLB defines it).
public struct ServiceL2Status: KubeObject, Hashable {
    public static let definition = ResourceDefinition(
        group: "metallb.io", version: "v1beta1", kind: "ServiceL2Status", plural: "servicel2statuses",
        singular: "servicel2status", namespaced: true,
        shortNames: [], categories: [], hasStatus: true)

    /// Name, labels, revision and so on.
    public var metadata: ObjectMeta
    /// Who announces what, and where.
    public var status: ServiceL2StatusStatus?

    public init(metadata: ObjectMeta = ObjectMeta(), status: ServiceL2StatusStatus? = nil) {
        self.metadata = metadata
        self.status = status
    }
}

/// Who announces what, and where.
public struct ServiceL2StatusStatus: Codable, Hashable, Sendable {
    /// The node that announces, and gets the traffic.
    public var node: String?
    /// The Service.
    public var serviceName: String?
    /// Namespace of the Service.
    public var serviceNamespace: String?
    /// The network interfaces that announce.
    public var interfaces: [InterfaceInfo]?

    public init(
        node: String? = nil, serviceName: String? = nil, serviceNamespace: String? = nil,
        interfaces: [InterfaceInfo]? = nil
    ) {
        self.node = node
        self.serviceName = serviceName
        self.serviceNamespace = serviceNamespace
        self.interfaces = interfaces
    }
}

/// A network interface.
public struct InterfaceInfo: Codable, Hashable, Sendable {
    /// Name of the interface.
    public var name: String?

    public init(name: String? = nil) {
        self.name = name
    }
}
