import KubeModel

/// What an update means for the fields that depend on each other, worked out before validation.
///
/// A Service is a union with `type` as its discriminator, and several of its fields are filled by the server. An update
/// may leave out what the server chose, and may change the type without clearing what no longer applies. Only values
/// that the client did not also change are carried over or dropped: the rest is for validation to judge.
enum ServiceTransitions {
    /// Carries over what the server allocated earlier, so that a manifest without it can be applied again.
    static func keepAllocated(_ service: inout ServiceDocument, from old: ServiceDocument) {
        if old.needsClusterIP && service.needsClusterIP {
            if service.clusterIP.isEmpty { service.clusterIP = old.clusterIP }
            if service.clusterIPs.isEmpty { service.clusterIPs = old.clusterIPs }
        }
        if old.needsNodePorts && service.needsNodePorts {
            var ports = service.ports
            let stillUsed = Set(old.nodePorts).intersection(service.nodePorts)
            let byName = Dictionary(old.ports.map { ($0.name, $0.nodePort) }, uniquingKeysWith: { $1 })
            for index in ports.indices where ports[index].nodePort == 0 {
                guard let earlier = byName[ports[index].name], !stillUsed.contains(earlier) else { continue }
                ports[index].nodePort = earlier
            }
            service.ports = ports
        }
        if old.needsHealthCheckNodePort && service.needsHealthCheckNodePort && service.healthCheckNodePort == 0 {
            service.healthCheckNodePort = old.healthCheckNodePort
        }
    }

    /// Brings `clusterIP` and `clusterIPs` together where only one of them was written.
    static func alignClusterIPs(_ service: inout ServiceDocument, from old: ServiceDocument?) {
        guard let old else {
            if !service.clusterIP.isEmpty && service.clusterIPs.isEmpty { service.clusterIPs = [service.clusterIP] }
            return
        }
        if service.clusterIPs.isEmpty && old.clusterIP == service.clusterIP { service.clusterIPs = old.clusterIPs }
        guard old.clusterIP != service.clusterIP, old.clusterIPs == service.clusterIPs else { return }
        service.clusterIPs = service.clusterIP.isEmpty ? [] : [service.clusterIP]
    }

    /// Drops what the new type has no use for, unless the client changed it in the same request.
    static func dropUnused(_ service: inout ServiceDocument, from old: ServiceDocument) {
        if old.needsClusterIP && !service.needsClusterIP {
            if service.clusterIP == old.clusterIP && service.clusterIPs == old.clusterIPs {
                service.clusterIP = ""
                service.clusterIPs = []
            }
            if service.ipFamilies == old.ipFamilies { service.ipFamilies = [] }
            if service.ipFamilyPolicy == old.ipFamilyPolicy { service.ipFamilyPolicy = nil }
        }
        if old.needsNodePorts && !service.needsNodePorts && Set(old.nodePorts).isSuperset(of: service.nodePorts) {
            var ports = service.ports
            for index in ports.indices { ports[index].nodePort = 0 }
            service.ports = ports
        }
        if old.needsHealthCheckNodePort && !service.needsHealthCheckNodePort
            && service.healthCheckNodePort == old.healthCheckNodePort
        {
            service.healthCheckNodePort = 0
        }
        if old.isLoadBalancer && !service.isLoadBalancer {
            if service.allocateLoadBalancerNodePorts == old.allocateLoadBalancerNodePorts {
                service.allocateLoadBalancerNodePorts = nil
            }
            if service.loadBalancerClass == old.loadBalancerClass { service.loadBalancerClass = nil }
        }
        if old.isExternallyAccessible && !service.isExternallyAccessible
            && service.externalTrafficPolicy == old.externalTrafficPolicy
        {
            service.externalTrafficPolicy = ""
        }
        // Taking the load balancer away is asynchronous, but its address is withdrawn from view at once.
        if !service.isLoadBalancer, service.status?["loadBalancer"] != nil {
            var status = service.status?.object ?? JSONObject()
            status["loadBalancer"] = .object(JSONObject())
            service.status = .object(status)
        }
    }
}
