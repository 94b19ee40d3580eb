import KubeModel
import NetworkTypes

/// Decides what the legacy Endpoints object of a Service with a selector should hold.
enum LegacyEndpoints {
    /// Addresses an object holds at most; consumers may not cope with more.
    static let capacity = 1000
    static let overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity"
    static let managedByLabel = "endpoints.kubernetes.io/managed-by"
    static let managedBy = "endpoint-controller"

    /// The wanted object, with the revision of `existing`; nil when that is as it should be.
    static func plan(
        for service: Service, pods: [Pod], existing: Endpoints?, triggerTime: Timestamp?
    ) -> Endpoints? {
        var (subsets, isTruncated) = subsets(for: service, pods: pods)
        var labels = (service.metadata.labels ?? [:]).filter { $0.key != ServiceSlices.headlessLabel }
        labels[managedByLabel] = managedBy
        if service.spec?.clusterIP == "None" { labels[ServiceSlices.headlessLabel] = "" }
        var annotations = existing?.metadata.annotations ?? [:]
        annotations[overCapacityAnnotation] = isTruncated ? "truncated" : nil
        if subsets?.isEmpty == true { subsets = nil }
        if let existing, (existing.subsets ?? []) == (subsets ?? []), existing.metadata.labels == labels,
            (existing.metadata.annotations ?? [:]) == annotations
        {
            return nil
        }
        annotations[SlicePlanner.triggerTimeAnnotation] = triggerTime?.description
        var wanted =
            existing
            ?? Endpoints(metadata: ObjectMeta(name: service.metadata.name, namespace: service.metadata.namespace))
        wanted.metadata.labels = labels
        wanted.metadata.annotations = annotations.isEmpty ? nil : annotations
        wanted.subsets = subsets
        return wanted
    }

    /// Addresses of the Service's first family, grouped by equal sets of ports, in a canonical order.
    static func subsets(for service: Service, pods: [Pod]) -> (subsets: [EndpointSubset]?, isTruncated: Bool) {
        let family = ServiceSlices.addressFamilies(of: service).first ?? .v4
        var backends: [Backend] = []
        for pod in pods {
            let isNotReadyWelcome = service.spec?.publishNotReadyAddresses == true
            guard PodEndpoint.isEligible(pod, includesTerminating: isNotReadyWelcome),
                let ip = PodEndpoint.addresses(of: pod).first(where: { IPAddress($0)?.family == family })
            else { continue }
            let ports = PodEndpoint.ports(of: service, on: pod)
            // A Service with ports none of which this Pod has gains nothing from its address.
            if ports.isEmpty, !(service.spec?.ports ?? []).isEmpty { continue }
            let address = EndpointAddress(
                ip: ip, hostname: PodEndpoint.hostname(of: pod, service: service), nodeName: pod.spec?.nodeName,
                targetRef: PodEndpoint.reference(to: pod))
            backends.append(
                Backend(
                    address: address, isReady: isNotReadyWelcome || PodEndpoint.isReady(pod),
                    // Without a name the key is absent in Endpoints, unlike in slices.
                    ports: Set(
                        ports.map { port in
                            var port = port
                            if port.name?.isEmpty == true { port.name = nil }
                            return port
                        })))
        }
        backends.sort { left, right in
            left.isReady == right.isReady ? left.order < right.order : left.isReady
        }
        let isTruncated = backends.count > capacity
        var byPorts: [Set<EndpointPort>: EndpointSubset] = [:]
        for backend in backends.prefix(capacity) {
            var subset = byPorts[backend.ports] ?? EndpointSubset()
            if backend.isReady {
                subset.addresses = (subset.addresses ?? []) + [backend.address]
            } else {
                subset.notReadyAddresses = (subset.notReadyAddresses ?? []) + [backend.address]
            }
            byPorts[backend.ports] = subset
        }
        let subsets = byPorts.map { ports, subset in
            var subset = subset
            subset.ports = ports.isEmpty ? nil : ports.sorted { $0.order < $1.order }
            return subset
        }
        return (
            subsets.sorted { ($0.ports ?? []).map(\.order).joined() < ($1.ports ?? []).map(\.order).joined() },
            isTruncated
        )
    }

    private struct Backend {
        var address: EndpointAddress
        var isReady: Bool
        var ports: Set<EndpointPort>

        var order: String { "\(address.ip)/\(address.targetRef?.name ?? "")" }
    }
}

extension EndpointPort {
    fileprivate var order: String { "\(name ?? "")/\(self.protocol ?? "")/\(port ?? 0)/\(appProtocol ?? "");" }
}
