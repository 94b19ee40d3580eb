package import KubeModel
package import NetworkTypes
package import TrafficModel

/// A port of a Service, as the proxy tells them apart.
package struct ServicePortID: Hashable, Sendable, CustomStringConvertible {
    package var service: NamespacedName
    package var port: Port
    package var transport: TransportProtocol

    package var description: String { "\(service):\(port)" }
}

/// The endpoints that one listener chooses from, and how. Listeners of one Service port with the same value of
/// `ServiceBackendID` share their rotation and their session affinity.
package struct ServiceBackendID: Hashable, Sendable {
    package var port: ServicePortID
    package var family: IPFamily
    package var policy: TrafficPolicy
}

/// What stands behind one address of a Service port.
package struct ServiceListener: Hashable, Sendable {
    /// Which of a Service's addresses this is.
    package enum Role: String, Hashable, Sendable {
        case clusterIP = "cluster IP"
        case externalIP = "external IP"
        case loadBalancerIP = "load-balancer IP"
        case nodePort = "node port"
    }

    package var role: Role
    package var backend: ServiceBackendID
    /// In ascending order, without duplicates.
    package var endpoints: [SocketAddress]
    /// Seconds an idle client keeps its endpoint; nil without session affinity.
    package var affinitySeconds: Int?
    /// Networks whose clients are served; empty for all.
    package var sourceRanges: SourceRanges
}
