import NetworkTypes

/// What one Service holds of the ranges.
struct ServiceHolding: Hashable, Sendable {
    var addresses: Set<IPAddress> = []
    /// Node ports and the health check's port.
    var ports: Set<Int> = []

    init() {}

    init(_ service: ServiceDocument) {
        guard !service.isExternalName else { return }
        addresses = Set(service.clusterIPs.compactMap { IPAddress($0) })
        if service.needsNodePorts { ports = Set(service.nodePorts) }
        if service.needsHealthCheckNodePort, service.healthCheckNodePort != 0 {
            ports.insert(service.healthCheckNodePort)
        }
    }

    var isEmpty: Bool { addresses.isEmpty && ports.isEmpty }

    func subtracting(_ other: ServiceHolding) -> ServiceHolding {
        var result = ServiceHolding()
        result.addresses = addresses.subtracting(other.addresses)
        result.ports = ports.subtracting(other.ports)
        return result
    }
}
