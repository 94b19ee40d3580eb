import KubeModel
import NetworkTypes
import TrafficModel

/// Decides what the Service `kube-dns` and its EndpointSlices are: the address that clients of a cluster look for names at.
/// Pure.
enum NameServicePlanner {
    static let key = NamespacedName(namespace: "kube-system", name: "kube-dns")
    static let managedBy = "name-service-controller.martlet.dev"

    /// The Service as it is made when there is none. Afterwards it is the user's.
    ///
    /// - Parameter first: The first address of the cluster's range, that of the Service `kubernetes`; as everywhere, the
    ///   tenth one is for DNS.
    static func service(first: IPAddress?) -> Service {
        var service = Service(
            metadata: ObjectMeta(
                name: key.name, namespace: key.namespace,
                labels: [
                    "k8s-app": "kube-dns", "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS",
                ],
                annotations: ["prometheus.io/port": "9153", "prometheus.io/scrape": "true"]), spec: ServiceSpec())
        service.spec?.clusterIP = first?.advanced(by: 9)?.description
        service.spec?.ipFamilyPolicy = "PreferDualStack"
        // Whoever has a server on his own machine asks that one.
        service.spec?.trafficDistribution = "PreferSameNode"
        service.spec?.ports = [
            ServicePort(name: "dns", protocol: "UDP", port: 53),
            ServicePort(name: "dns-tcp", protocol: "TCP", port: 53),
            ServicePort(name: "metrics", protocol: "TCP", port: 9153),
        ]
        return service
    }

    /// Whether the endpoints of a Service are for us to say: one with a selector has Pods behind it.
    static func isOurs(_ service: Service) -> Bool {
        service.metadata.deletionTimestamp == nil && (service.spec?.selector ?? [:]).isEmpty
            && service.spec?.type != "ExternalName"
    }

    /// A place of a Node for each family. A loopback address means another machine everywhere else: it counts only where
    /// the cluster IPs are such addresses too, so that there is one machine alone.
    static func places(_ node: Node, allowsLoopback: Bool) -> [NodeNameServer] {
        let said = node.metadata.annotations?[NodeNameServer.annotation].map(NodeNameServer.list) ?? []
        return [IPFamily.v4, .v6].compactMap { family in
            let own = said.filter { $0.address.ip.family == family }
            return own.first { !$0.address.ip.isLoopback } ?? (allowsLoopback ? own.first : nil)
        }
    }

    /// The endpoints of all Nodes, in order of their names.
    static func groups(_ nodes: [Node], for service: Service) -> [SliceGroup] {
        let ips = (service.spec?.clusterIPs ?? service.spec?.clusterIP.map { [$0] } ?? []).compactMap { IPAddress($0) }
        let allowsLoopback = ips.contains(where: \.isLoopback)
        var groups: [SliceGroup] = []
        for node in nodes.sorted(by: { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") })
        where node.metadata.deletionTimestamp == nil {
            let name = node.metadata.name ?? ""
            for place in places(node, allowsLoopback: allowsLoopback) {
                let endpoint = Endpoint(
                    addresses: [place.address.ip.description],
                    conditions: EndpointConditions(ready: isReady(node), serving: isReady(node), terminating: false),
                    nodeName: name, zone: node.zone,
                    hints: EndpointHints(forNodes: [EndpointHintTarget(name: name)]))
                let type = place.address.ip.family == .v4 ? "IPv4" : "IPv6"
                let ports = ports(place)
                if let index = groups.firstIndex(where: { $0.addressType == type && $0.ports == ports }) {
                    groups[index].endpoints.append(endpoint)
                } else {
                    groups.append(SliceGroup(addressType: type, ports: ports, endpoints: [endpoint]))
                }
            }
        }
        return groups
    }

    private static func ports(_ place: NodeNameServer) -> [EndpointPort] {
        let port = Int(place.address.port.rawValue)
        var ports = [
            EndpointPort(name: "dns", port: port, protocol: "UDP"),
            EndpointPort(name: "dns-tcp", port: port, protocol: "TCP"),
        ]
        if let metrics = place.metricsPort {
            ports.append(EndpointPort(name: "metrics", port: Int(metrics.rawValue), protocol: "TCP"))
        }
        return ports
    }

    /// A Node that says nothing yet is believed: it answers.
    private static func isReady(_ node: Node) -> Bool {
        node.status?.conditions?.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
    }

    static func template(for service: Service) -> SliceTemplate {
        SliceTemplate(
            namespace: key.namespace, generateName: key.name,
            labels: [
                ServiceSlices.serviceNameLabel: key.name, ServiceSlices.managedByLabel: managedBy,
                "k8s-app": "kube-dns",
            ], annotations: [:],
            owner: OwnerReference(
                apiVersion: "v1", kind: "Service", name: key.name, uid: service.metadata.uid ?? "", controller: true,
                blockOwnerDeletion: true), triggerTime: nil)
    }
}
