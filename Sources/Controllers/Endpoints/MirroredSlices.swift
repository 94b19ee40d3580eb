import KubeModel
import NetworkTypes

/// Decides which EndpointSlices mirror an Endpoints object that somebody maintains by hand (KEP-0752, "Mirroring").
enum MirroredSlices {
    static let managedBy = "endpointslicemirroring-controller.k8s.io"
    static let skipLabel = "endpointslice.kubernetes.io/skip-mirror"
    static let leaderAnnotation = "control-plane.alpha.kubernetes.io/leader"
    /// Addresses of a subset that are mirrored at most.
    static let maxEndpointsPerSubset = 1000

    /// Whether an Endpoints object is to be mirrored for its Service.
    static func isWanted(_ endpoints: Endpoints, service: Service?) -> Bool {
        guard let service, service.metadata.deletionTimestamp == nil, (service.spec?.selector ?? [:]).isEmpty,
            endpoints.metadata.deletionTimestamp == nil
        else { return false }
        return endpoints.metadata.labels?[skipLabel] != "true"
            && endpoints.metadata.annotations?[leaderAnnotation] == nil
    }

    static func groups(for endpoints: Endpoints) -> [SliceGroup] {
        var groups: [GroupKey: [Endpoint]] = [:]
        var order: [GroupKey] = []
        for subset in endpoints.subsets ?? [] {
            let ports = (subset.ports ?? []).map { port in
                EndpointPort(
                    name: port.name ?? "", port: port.port, protocol: port.protocol ?? "TCP",
                    appProtocol: port.appProtocol)
            }
            let addresses =
                (subset.addresses ?? []).map { ($0, true) } + (subset.notReadyAddresses ?? []).map { ($0, false) }
            for (address, isReady) in addresses.prefix(maxEndpointsPerSubset) {
                guard let ip = IPAddress(address.ip) else { continue }
                let key = GroupKey(type: ip.family == .v4 ? "IPv4" : "IPv6", ports: ports)
                if groups[key] == nil { order.append(key) }
                groups[key, default: []].append(
                    Endpoint(
                        addresses: [address.ip], conditions: EndpointConditions(ready: isReady),
                        hostname: address.hostname, targetRef: address.targetRef, nodeName: address.nodeName))
            }
        }
        return order.map { SliceGroup(addressType: $0.type, ports: $0.ports, endpoints: groups[$0] ?? []) }
    }

    static func template(for endpoints: Endpoints) -> SliceTemplate {
        let name = endpoints.metadata.name ?? ""
        var labels = endpoints.metadata.labels ?? [:]
        labels[LegacyEndpoints.managedByLabel] = nil
        labels[ServiceSlices.serviceNameLabel] = name
        labels[ServiceSlices.managedByLabel] = managedBy
        var annotations = endpoints.metadata.annotations ?? [:]
        annotations[SlicePlanner.triggerTimeAnnotation] = nil
        annotations[LegacyEndpoints.overCapacityAnnotation] = nil
        annotations["kubectl.kubernetes.io/last-applied-configuration"] = nil
        return SliceTemplate(
            namespace: endpoints.metadata.namespace ?? "", generateName: name, labels: labels, annotations: annotations,
            owner: OwnerReference(
                apiVersion: "v1", kind: "Endpoints", name: name, uid: endpoints.metadata.uid ?? "", controller: true,
                blockOwnerDeletion: true),
            triggerTime: nil)
    }

    private struct GroupKey: Hashable {
        var type: String
        var ports: [EndpointPort]
    }
}
