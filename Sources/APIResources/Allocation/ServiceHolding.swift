package import NetworkTypes

/// What one Service holds of the ranges.
package struct ServiceHolding: Hashable, Sendable {
    package var addresses: Set<IPAddress> = []
    /// Node ports and the health check's port.
    package var ports: Set<Int> = []

    package init() {}

    init(_ service: ServiceDocument) {
        guard !service.isExternalName else { return }
        addresses = Set(service.clusterIPs.compactMap { IPAddress($0) })
        if service.needsNodePorts { ports = Set(service.nodePorts) }
        if service.needsHealthCheckNodePort, service.healthCheckNodePort != 0 {
            ports.insert(service.healthCheckNodePort)
        }
    }

    package var isEmpty: Bool { addresses.isEmpty && ports.isEmpty }

    package func subtracting(_ other: ServiceHolding) -> ServiceHolding {
        var result = ServiceHolding()
        result.addresses = addresses.subtracting(other.addresses)
        result.ports = ports.subtracting(other.ports)
        return result
    }
}
