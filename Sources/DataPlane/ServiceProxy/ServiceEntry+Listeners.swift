package import NetworkTypes
package import TrafficModel

/// What a node knows of itself when it compiles its listeners.
package struct NodeIdentity: Hashable, Sendable {
    package var name: String
    /// The addresses that node ports are served on; an unspecified address (0.0.0.0, ::) means all of its family.
    package var nodePortAddresses: [IPAddress]

    package init(name: String, nodePortAddresses: [IPAddress]) {
        self.name = name
        self.nodePortAddresses = nodePortAddresses
    }
}

extension ServiceEntry {
    /// Every address that this Service wants answered on a node, with what stands behind each. SCTP ports have none:
    /// there is nothing in user space that could relay them.
    package func listeners(on node: NodeIdentity) -> [ServiceListenerKey: ServiceListener] {
        guard form == .virtual else { return [:] }
        var result: [ServiceListenerKey: ServiceListener] = [:]
        for entry in ports where entry.transport != .sctp {
            func add(_ ip: IPAddress, _ port: Port, _ role: ServiceListener.Role, _ policy: TrafficPolicy) {
                let endpoints = entry.usableEndpoints(family: ip.family, policy: policy, onNode: node.name)
                let id = ServicePortID(service: key, port: entry.port, transport: entry.transport)
                let listener = ServiceListener(
                    role: role, backend: ServiceBackendID(port: id, family: ip.family, policy: policy),
                    endpoints: endpoints.map(\.address), affinitySeconds: affinitySeconds,
                    sourceRanges: role == .loadBalancerIP ? loadBalancerSourceRanges : .everybody)
                result[
                    ServiceListenerKey(transport: entry.transport, address: SocketAddress(ip: ip, port: port))] =
                    listener
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
