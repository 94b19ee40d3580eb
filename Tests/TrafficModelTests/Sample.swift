import KubeModel
import NetworkTypes
import TrafficModel

/// Short ways to write objects in these tests.
enum Sample {
    static func service(
        _ name: String, type: String = "ClusterIP", clusterIP: String = "10.0.0.1", ports: [ServicePort]? = nil,
        change: (inout Service) -> Void = { _ in }
    ) -> Service {
        var service = Service(
            metadata: ObjectMeta(name: name, namespace: "shop", uid: "uid-\(name)"),
            spec: ServiceSpec(
                type: type, clusterIP: clusterIP, clusterIPs: [clusterIP],
                ports: ports ?? [ServicePort(name: "http", protocol: "TCP", port: 80)]))
        change(&service)
        return service
    }

    static func slice(
        _ name: String, of service: String, type: String = "IPv4", ports: [EndpointPort]? = nil,
        _ endpoints: [Endpoint]
    ) -> EndpointSlice {
        EndpointSlice(
            metadata: ObjectMeta(
                name: name, namespace: "shop", labels: ["kubernetes.io/service-name": service]),
            addressType: type, endpoints: endpoints,
            ports: ports ?? [EndpointPort(name: "http", port: 8080, protocol: "TCP")])
    }

    static func endpoint(
        _ address: String, ready: Bool? = true, serving: Bool? = nil, terminating: Bool? = nil, node: String? = nil
    ) -> Endpoint {
        Endpoint(
            addresses: [address],
            conditions: EndpointConditions(ready: ready, serving: serving, terminating: terminating), nodeName: node)
    }

    static func table(
        _ name: String, age: Int64 = 0, namespace: String = "shop", _ rules: [RouteTableRule]? = nil,
        defaultBackend: RouteBackend? = nil, tls: [RouteTableTLS]? = nil
    ) -> RouteTable {
        RouteTable(
            metadata: ObjectMeta(name: name, namespace: namespace),
            spec: RouteTableSpec(
                rules: rules, defaultBackend: defaultBackend, tls: tls,
                sourceCreationTimestamp: Timestamp(secondsSinceEpoch: 1000 - age)))
    }

    static func rule(_ host: String?, _ paths: [(String, String, String)]) -> RouteTableRule {
        RouteTableRule(
            host: host,
            paths: paths.map { RoutePath(path: $0.0, pathType: $0.1, backend: backend($0.2)) })
    }

    static func backend(_ service: String) -> RouteBackend {
        RouteBackend(serviceName: service, port: ServiceBackendPort(number: 80))
    }

    static func key(_ name: String) -> NamespacedName { NamespacedName(namespace: "shop", name: name) }
}
