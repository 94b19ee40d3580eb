import KubeModel
import NetworkTypes

/// Decides which EndpointSlices a Service with a selector should have.
enum ServiceSlices {
    static let serviceNameLabel = "kubernetes.io/service-name"
    static let managedByLabel = "endpointslice.kubernetes.io/managed-by"
    static let managedBy = "endpointslice-controller.k8s.io"
    static let headlessLabel = "service.kubernetes.io/headless"

    /// Whether the endpoints controller looks after a Service.
    static func hasSelector(_ service: Service) -> Bool {
        service.spec?.type != "ExternalName" && !(service.spec?.selector ?? [:]).isEmpty
    }

    /// The wanted groups: for each address family of the Service one for each set of ports.
    ///
    /// - Parameter zone: the zone of a node, by its name.
    static func groups(for service: Service, pods: [Pod], zone: (String) -> String? = { _ in nil }) -> [SliceGroup] {
        addressFamilies(of: service).flatMap { groups(for: service, pods: pods, family: $0, zone: zone) }
    }

    private static func groups(
        for service: Service, pods: [Pod], family: IPFamily, zone: (String) -> String?
    ) -> [SliceGroup] {
        var byPorts: [[EndpointPort]: [Endpoint]] = [:]
        var order: [[EndpointPort]] = []
        for pod in pods.sorted(by: { ($0.metadata.name ?? "") < ($1.metadata.name ?? "") })
        where PodEndpoint.isEligible(pod, includesTerminating: true) {
            let address = PodEndpoint.addresses(of: pod).first { IPAddress($0)?.family == family }
            guard let address else { continue }
            let ports = PodEndpoint.ports(of: service, on: pod)
            if byPorts[ports] == nil { order.append(ports) }
            byPorts[ports, default: []].append(endpoint(for: pod, address: address, service: service, zone: zone))
        }
        let type = family == .v4 ? "IPv4" : "IPv6"
        if order.isEmpty { return [SliceGroup(addressType: type, ports: [], endpoints: [])] }
        return order.map { SliceGroup(addressType: type, ports: $0, endpoints: byPorts[$0] ?? []) }
    }

    static func endpoint(
        for pod: Pod, address: String, service: Service, zone: (String) -> String? = { _ in nil }
    ) -> Endpoint {
        let isServing = PodEndpoint.isReady(pod)
        let isTerminating = pod.metadata.deletionTimestamp != nil
        let isReady = service.spec?.publishNotReadyAddresses == true || (isServing && !isTerminating)
        let zone = pod.spec?.nodeName.flatMap(zone)
        return Endpoint(
            addresses: [address],
            conditions: EndpointConditions(ready: isReady, serving: isServing, terminating: isTerminating),
            hostname: PodEndpoint.hostname(of: pod, service: service), targetRef: PodEndpoint.reference(to: pod),
            nodeName: pod.spec?.nodeName, zone: zone,
            hints: isReady ? hints(service.spec?.trafficDistribution, node: pod.spec?.nodeName, zone: zone) : nil)
    }

    /// For whom a ready endpoint is meant first under a Service's `trafficDistribution`: those in its zone, and with
    /// `PreferSameNode` those on its node before them (KEP-3015).
    private static func hints(_ distribution: String?, node: String?, zone: String?) -> EndpointHints? {
        guard let distribution, ["PreferClose", "PreferSameZone", "PreferSameNode"].contains(distribution) else {
            return nil
        }
        let zones = zone.map { [EndpointHintTarget(name: $0)] }
        let nodes = distribution == "PreferSameNode" ? node.map { [EndpointHintTarget(name: $0)] } : nil
        return zones == nil && nodes == nil ? nil : EndpointHints(forZones: zones, forNodes: nodes)
    }

    /// In the Service's order; from its cluster IPs when it lists none, IPv4 when it has none either.
    static func addressFamilies(of service: Service) -> [IPFamily] {
        var families: [IPFamily] = (service.spec?.ipFamilies ?? []).compactMap { name in
            name == "IPv4" ? .v4 : name == "IPv6" ? .v6 : nil
        }
        if families.isEmpty {
            let addresses = service.spec?.clusterIPs ?? service.spec?.clusterIP.map { [$0] } ?? []
            for family in addresses.compactMap({ IPAddress($0)?.family }) where !families.contains(family) {
                families.append(family)
            }
        }
        return families.isEmpty ? [.v4] : families
    }

    static func template(for service: Service, triggerTime: Timestamp?) -> SliceTemplate {
        var labels = (service.metadata.labels ?? [:]).filter { !reservedLabels.contains($0.key) }
        labels[serviceNameLabel] = service.metadata.name ?? ""
        labels[managedByLabel] = managedBy
        if service.spec?.clusterIP == "None" { labels[headlessLabel] = "" }
        return SliceTemplate(
            namespace: service.metadata.namespace ?? "", generateName: service.metadata.name ?? "", labels: labels,
            annotations: [:],
            owner: OwnerReference(
                apiVersion: "v1", kind: "Service", name: service.metadata.name ?? "", uid: service.metadata.uid ?? "",
                controller: true, blockOwnerDeletion: true),
            triggerTime: triggerTime)
    }

    private static let reservedLabels: Set<String> = [serviceNameLabel, managedByLabel, headlessLabel]
}
