package import KubeModel
import NetworkTypes
package import TrafficModel
package import Transport

/// What a load balancer in front of a node is told on a Service's `healthCheckNodePort`: whether the node has endpoints
/// of that Service. The same answer as kube-proxy's.
package struct HealthCheckAnswer: Hashable, Sendable {
    package var service: NamespacedName
    /// Ready endpoints of the Service on this node, each address once.
    package var localEndpoints: Int

    package init(service: NamespacedName, localEndpoints: Int) {
        self.service = service
        self.localEndpoints = localEndpoints
    }

    package init(_ service: ServiceEntry, on node: NodeIdentity) {
        let local = service.ports.lazy.flatMap(\.endpoints).filter { $0.isReady && node.isHome(of: $0) }
        self.init(service: service.key, localEndpoints: Set(local.map(\.address.ip)).count)
    }

    /// 200 where there is an endpoint, else 503.
    ///
    /// - Parameter isHealthy: whether this node enforces what the API says: one that stalled is not to get traffic.
    package func response(isHealthy: Bool) -> HTTPResponse {
        let body: JSONValue = [
            "service": ["namespace": .string(service.namespace), "name": .string(service.name)],
            "localEndpoints": .integer(Int64(localEndpoints)), "serviceProxyHealthy": .bool(isHealthy),
        ]
        return HTTPResponse(
            status: localEndpoints > 0 && isHealthy ? 200 : 503,
            headers: [
                "Content-Type": "application/json", "X-Content-Type-Options": "nosniff",
                "X-Load-Balancing-Endpoint-Weight": "\(localEndpoints)",
            ], body: body.encoded())
    }
}
