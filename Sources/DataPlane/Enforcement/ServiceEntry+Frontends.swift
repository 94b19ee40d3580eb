import NetworkTypes
package import TrafficModel

extension ServiceEntry {
    /// Every address that this Service wants answered on a node, with what stands behind each.
    package func frontends(on node: NodeIdentity) -> [FrontendKey: Frontend] {
        guard form == .virtual else { return [:] }
        var result: [FrontendKey: Frontend] = [:]
        for entry in ports {
            let id = ServicePortID(service: key, port: entry.port, transport: entry.transport)
            func add(_ ip: IPAddress, _ port: Port, _ role: Frontend.Role, _ policy: TrafficPolicy) {
                let endpoints = entry.usableEndpoints(family: ip.family, policy: policy, on: node)
                let everywhere =
                    policy == .local ? entry.usableEndpoints(family: ip.family, policy: .cluster, on: node) : endpoints
                let isElsewhere = endpoints.isEmpty && !everywhere.isEmpty
                let isOtherInside = role != .clusterIP && endpoints != everywhere
                result[FrontendKey(transport: entry.transport, address: SocketAddress(ip: ip, port: port))] = Frontend(
                    role: role, backend: ServiceBackendID(port: id, family: ip.family, policy: policy),
                    endpoints: endpoints.map(\.address), absence: isElsewhere ? .dropped : .refused,
                    insideEndpoints: isOtherInside ? everywhere.map(\.address) : nil,
                    affinitySeconds: affinitySeconds, balancing: balancing,
                    sourceRanges: role == .loadBalancerIP ? loadBalancerSourceRanges : .everyone)
            }
            for ip in clusterIPs { add(ip, entry.port, .clusterIP, internalTrafficPolicy) }
            for ip in externalIPs { add(ip, entry.port, .externalIP, externalTrafficPolicy) }
            for ip in loadBalancerIPs { add(ip, entry.port, .loadBalancerIP, externalTrafficPolicy) }
            if let nodePort = entry.nodePort {
                let families = Set(clusterIPs.map(\.family))
                for ip in node.nodePortAddresses where families.contains(ip.family) {
                    add(ip, nodePort, .nodePort, externalTrafficPolicy)
                }
            }
        }
        return result
    }
}
