import KubeModel

/// The defaults of `v1.Service` that depend on other fields and that a schema can't state.
enum ServiceDefaults {
    /// Seconds that ClientIP affinity lasts unless configured: three hours.
    static let affinityTimeout: Int64 = 10_800

    static func apply(to service: inout ServiceDocument) {
        if service.sessionAffinity.isEmpty { service.sessionAffinity = "None" }
        switch service.sessionAffinity {
        case "None": service.sessionAffinityConfig = nil
        case "ClientIP":
            var config = service.sessionAffinityConfig?.object ?? JSONObject()
            var clientIP = config["clientIP"]?.object ?? JSONObject()
            if clientIP["timeoutSeconds"]?.int == nil {
                clientIP["timeoutSeconds"] = .integer(affinityTimeout)
                config["clientIP"] = .object(clientIP)
                service.sessionAffinityConfig = .object(config)
            }
        default: break
        }
        if service.type.isEmpty { service.type = "ClusterIP" }
        var ports = service.ports
        // What has all defaults stays the storage that it shares with the object before.
        var isChanged = false
        for index in ports.indices {
            if ports[index].protocol.isEmpty {
                ports[index].protocol = "TCP"
                isChanged = true
            }
            let target = ports[index].targetPort
            if target == nil || target == .null || target == .integer(0) || target == .string("") {
                ports[index].targetPort = .integer(Int64(ports[index].port))
                isChanged = true
            }
        }
        if isChanged || ports.isEmpty { service.ports = ports }
        if service.isExternallyAccessible, service.externalTrafficPolicy.isEmpty {
            service.externalTrafficPolicy = "Cluster"
        }
        if service.internalTrafficPolicy == nil, ["ClusterIP", "NodePort", "LoadBalancer"].contains(service.type) {
            service.internalTrafficPolicy = "Cluster"
        }
        if service.isLoadBalancer {
            if service.allocateLoadBalancerNodePorts == nil { service.allocateLoadBalancerNodePorts = true }
            applyStatus(to: &service)
        }
    }

    /// `ipMode` VIP for every load-balancer address that names none.
    static func applyStatus(to service: inout ServiceDocument) {
        guard var ingress = service.status?["loadBalancer"]?["ingress"]?.array, !ingress.isEmpty else { return }
        var changed = false
        for index in ingress.indices {
            guard var point = ingress[index].object, point["ip"]?.string?.isEmpty == false else { continue }
            guard point["ipMode"] == nil || point["ipMode"] == .null else { continue }
            point["ipMode"] = "VIP"
            ingress[index] = .object(point)
            changed = true
        }
        guard changed, var status = service.status?.object, var balancer = status["loadBalancer"]?.object else {
            return
        }
        balancer["ingress"] = .array(ingress)
        status["loadBalancer"] = .object(balancer)
        service.status = .object(status)
    }
}
