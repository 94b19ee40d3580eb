import KubeModel
import NetworkTypes

/// The claims of one write, made under the lock of ``ServiceAllocations``: addresses, then node ports, then the health
/// check's port. When one can't be had, those already claimed are given back.
struct ServiceReservationPlan {
    private(set) var service: ServiceDocument
    private(set) var claimed = ServiceHolding()
    private let old: ServiceDocument?
    private let held: ServiceHolding

    init(service: ServiceDocument, old: ServiceDocument?, held: ServiceHolding) {
        self.service = service
        self.old = old
        self.held = held
    }

    mutating func claim(in state: inout ServiceAllocations.State, families: ServiceAddressFamilies) -> Status? {
        do {
            try claimAddresses(&state, families)
            try claimNodePorts(&state)
            try claimHealthCheckPort(&state)
            return nil
        } catch {
            state.release(claimed)
            claimed = ServiceHolding()
            return error
        }
    }

    private mutating func claimAddresses(
        _ state: inout ServiceAllocations.State, _ families: ServiceAddressFamilies
    ) throws(Status) {
        guard service.needsClusterIP, service.clusterIPs.first != "None" else { return }
        if let old, families.keepsPreferredFamilies(service, old) { return }
        var addresses = service.clusterIPs
        for (index, name) in service.ipFamilies.enumerated() {
            let requested = index < addresses.count ? IPAddress(addresses[index]) : nil
            if let requested, held.addresses.contains(requested) { continue }
            guard let family = families.configured.first(where: { $0.kubernetesName == name }) else {
                // A family of an earlier configuration: what the Service had stays, nothing new can be had.
                continue
            }
            if let requested {
                do {
                    try state.addresses.allocate(requested)
                    claimed.addresses.insert(requested)
                } catch {
                    throw refused(
                        FieldPath("spec").child("clusterIPs"), JSONValue(service.clusterIPs),
                        "failed to allocate IP \(addresses[index]): \(error)")
                }
            } else {
                do {
                    let address = try state.addresses.allocateNext(family, spread: .random(in: 0 ... .max))
                    claimed.addresses.insert(address)
                    if index < addresses.count {
                        addresses[index] = address.description
                    } else {
                        addresses.append(address.description)
                    }
                } catch {
                    throw Status.internalError("failed to allocate a serviceIP: \(error)")
                }
            }
        }
        guard addresses != service.clusterIPs else { return }
        service.clusterIP = addresses.first ?? ""
        service.clusterIPs = addresses
    }

    private mutating func claimNodePorts(_ state: inout ServiceAllocations.State) throws(Status) {
        guard service.needsNodePorts else { return }
        var ports = service.ports
        /// Service port → node port: on create, ports that differ only in protocol share their node port.
        var shared: [Int: Int] = [:]
        if old == nil {
            for port in ports.reversed() where port.nodePort != 0 { shared[port.port] = port.nodePort }
        }
        for index in ports.indices {
            var number = ports[index].nodePort
            if number == 0 {
                guard service.allocatesNodePorts else { continue }
                number = shared[ports[index].port] ?? 0
            }
            if number == 0 {
                do {
                    number = try state.ports.allocateNext(spread: .random(in: 0 ... .max))
                    claimed.ports.insert(number)
                } catch {
                    throw Status.internalError("failed to allocate a nodePort: \(error)")
                }
            } else if !isOurs(number) {
                do {
                    try state.ports.allocate(number)
                    claimed.ports.insert(number)
                } catch {
                    throw refused(
                        FieldPath("spec").child("ports").index(index).child("nodePort"), .integer(Int64(number)),
                        "\(error)")
                }
            }
            ports[index].nodePort = number
            if old == nil { shared[ports[index].port] = number }
        }
        service.ports = ports
    }

    private mutating func claimHealthCheckPort(_ state: inout ServiceAllocations.State) throws(Status) {
        guard service.needsHealthCheckNodePort else { return }
        let path = FieldPath("spec").child("healthCheckNodePort")
        let number = service.healthCheckNodePort
        if let old, old.needsHealthCheckNodePort, old.healthCheckNodePort != 0 {
            guard old.healthCheckNodePort == number else {
                throw refused(
                    path, .integer(Int64(number)),
                    "cannot change healthCheckNodePort on loadBalancer service with externaltraffic=Local during update"
                )
            }
            return
        }
        do {
            if number == 0 {
                let chosen = try state.ports.allocateNext(spread: .random(in: 0 ... .max))
                claimed.ports.insert(chosen)
                service.healthCheckNodePort = chosen
            } else {
                try state.ports.allocate(number)
                claimed.ports.insert(number)
            }
        } catch {
            guard number != 0 else {
                throw Status.internalError("failed to allocate a HealthCheck NodePort: \(error)")
            }
            throw refused(
                path, .integer(Int64(number)), "failed to allocate requested HealthCheck NodePort \(number): \(error)")
        }
    }

    private func isOurs(_ port: Int) -> Bool {
        if claimed.ports.contains(port) { return true }
        guard let old, old.needsNodePorts else { return false }
        return old.nodePorts.contains(port)
    }

    private func refused(_ path: FieldPath, _ value: JSONValue, _ message: String) -> Status {
        var errors: [FieldError] = []
        errors.invalid(path, value, message)
        return .invalidService(service, errors)
    }
}
