import KubeModel

/// Reads Pods as endpoints of a Service.
enum PodEndpoint {
    /// Whether a Pod belongs among a Service's endpoints at all.
    ///
    /// - Parameter includesTerminating: as EndpointSlices do; the legacy Endpoints object leaves such Pods out.
    static func isEligible(_ pod: Pod, includesTerminating: Bool) -> Bool {
        guard pod.status?.phase != "Failed", pod.status?.phase != "Succeeded" else { return false }
        guard !addresses(of: pod).isEmpty else { return false }
        return includesTerminating || pod.metadata.deletionTimestamp == nil
    }

    static func addresses(of pod: Pod) -> [String] {
        let list = (pod.status?.podIPs ?? []).map(\.ip).filter { !$0.isEmpty }
        if !list.isEmpty { return list }
        return pod.status?.podIP.flatMap { $0.isEmpty ? nil : [$0] } ?? []
    }

    static func isReady(_ pod: Pod) -> Bool {
        pod.status?.conditions?.first { $0.type == "Ready" }?.status == "True"
    }

    /// The host name that the Service's DNS zone knows the Pod by: only Pods that name the Service as subdomain.
    static func hostname(of pod: Pod, service: Service) -> String? {
        guard let hostname = pod.spec?.hostname, !hostname.isEmpty, pod.spec?.subdomain == service.metadata.name,
            pod.metadata.namespace == service.metadata.namespace
        else { return nil }
        return hostname
    }

    static func reference(to pod: Pod) -> ObjectReference {
        ObjectReference(
            kind: "Pod", namespace: pod.metadata.namespace, name: pod.metadata.name, uid: pod.metadata.uid)
    }

    /// The Service's ports as they are on this Pod. A named target port that the Pod does not have is left out.
    static func ports(of service: Service, on pod: Pod) -> [EndpointPort] {
        (service.spec?.ports ?? []).compactMap { port in
            guard let number = targetPort(port, on: pod) else { return nil }
            return EndpointPort(
                name: port.name ?? "", port: number, protocol: port.protocol ?? "TCP", appProtocol: port.appProtocol)
        }
    }

    /// Named ports are looked for in the containers, then in sidecars (init containers that stay).
    static func targetPort(_ port: ServicePort, on pod: Pod) -> Int? {
        switch port.targetPort {
        case nil: return port.port
        case .int(let number): return number == 0 ? port.port : number
        case .string(let name):
            if name.isEmpty { return port.port }
            let sidecars = (pod.spec?.initContainers ?? []).filter { $0.restartPolicy == "Always" }
            for container in (pod.spec?.containers ?? []) + sidecars {
                for candidate in container.ports ?? []
                where candidate.name == name && (candidate.protocol ?? "TCP") == (port.protocol ?? "TCP") {
                    return candidate.containerPort
                }
            }
            return nil
        }
    }
}
