package import KubeModel
import NetworkTypes

/// Services joined with their EndpointSlices: a value that is kept up to date one object at a time.
///
/// Each change recomputes the one Service that it touches, so that the cost of an endpoint change does not grow with
/// the number of Services. Slices may arrive before their Service; they wait for it. Changes accumulate by key until
/// `takeChanges()`.
package struct ServiceTable: Sendable {
    private var services: [NamespacedName: ServiceEntry] = [:]
    /// Compact slices by Service, then by slice name.
    private var slices: [NamespacedName: [String: SliceEntry]] = [:]
    /// The Service that a slice belonged to when it was last seen.
    private var owners: [NamespacedName: NamespacedName] = [:]
    private var changed: Set<NamespacedName> = []

    package init() {}

    /// Builds a table at once, as if each object had been set in turn.
    package init(services: some Sequence<Service>, slices: some Sequence<EndpointSlice>) {
        for slice in slices { setSlice(slice) }
        for service in services { setService(service) }
    }

    /// The Services in no particular order.
    package var entries: some Collection<ServiceEntry> { services.values }

    package var count: Int { services.count }

    package subscript(key: NamespacedName) -> ServiceEntry? { services[key] }

    /// The keys of the Services that were added, changed or removed since the last call.
    package mutating func takeChanges() -> Set<NamespacedName> {
        defer { changed = [] }
        return changed
    }

    /// Adds or replaces a Service. Returns whether anything that traffic depends on changed.
    @discardableResult
    package mutating func setService(_ service: Service) -> Bool {
        var entry = ServiceEntry(service)
        attachEndpoints(to: &entry)
        return commit(entry)
    }

    /// Removes a Service. Its slices stay, in case it comes back.
    @discardableResult
    package mutating func removeService(_ key: NamespacedName) -> Bool {
        guard services.removeValue(forKey: key) != nil else { return false }
        changed.insert(key)
        return true
    }

    /// Adds or replaces a slice. Returns whether a Service changed by it.
    @discardableResult
    package mutating func setSlice(_ slice: EndpointSlice) -> Bool {
        let key = NamespacedName(slice.metadata)
        guard let name = slice.metadata.labels?[Self.serviceNameLabel], !name.isEmpty, let entry = SliceEntry(slice)
        else { return removeSlice(key) }
        let owner = NamespacedName(namespace: key.namespace, name: name)
        var didChange = false
        if let previous = owners[key], previous != owner { didChange = removeSlice(key) }
        owners[key] = owner
        guard slices[owner]?[key.name] != entry else { return didChange }
        slices[owner, default: [:]][key.name] = entry
        return refresh(owner) || didChange
    }

    /// Removes a slice. Returns whether a Service changed by it.
    @discardableResult
    package mutating func removeSlice(_ key: NamespacedName) -> Bool {
        guard let owner = owners.removeValue(forKey: key) else { return false }
        slices[owner]?[key.name] = nil
        if slices[owner]?.isEmpty == true { slices[owner] = nil }
        return refresh(owner)
    }

    /// The label that ties a slice to its Service.
    package static let serviceNameLabel = "kubernetes.io/service-name"

    private mutating func refresh(_ key: NamespacedName) -> Bool {
        guard var entry = services[key] else { return false }
        attachEndpoints(to: &entry)
        return commit(entry)
    }

    private mutating func commit(_ entry: ServiceEntry) -> Bool {
        guard services[entry.key] != entry else { return false }
        services[entry.key] = entry
        changed.insert(entry.key)
        return true
    }

    /// Joins by port name. During a move an endpoint may be in two slices for a moment (EndpointSlice API reference,
    /// "duplicate endpoints"): the state that is best for traffic counts.
    private func attachEndpoints(to entry: inout ServiceEntry) {
        let slices = slices[entry.key] ?? [:]
        for index in entry.ports.indices {
            var byAddress: [SocketAddress: ServiceEndpoint] = [:]
            for slice in slices.values {
                for port in slice.ports
                where port.name == entry.ports[index].name && port.transport == entry.ports[index].transport {
                    // Without a number a slice means every port: the Service's own number is the only sensible one.
                    let number = port.number ?? entry.ports[index].port
                    for var endpoint in slice.endpoints {
                        endpoint.address.port = number
                        if let other = byAddress[endpoint.address], other.rank >= endpoint.rank { continue }
                        byAddress[endpoint.address] = endpoint
                    }
                }
            }
            entry.ports[index].endpoints = byAddress.values.sorted { left, right in
                left.address.ip == right.address.ip
                    ? left.address.port < right.address.port : left.address.ip < right.address.ip
            }
        }
    }
}

extension ServiceEndpoint {
    fileprivate var rank: Int { (isReady ? 2 : 0) + (isServing ? 1 : 0) }
}

/// What is kept of an EndpointSlice.
private struct SliceEntry: Hashable, Sendable {
    struct SlicePort: Hashable, Sendable {
        var name: String
        var transport: TransportProtocol
        var number: Port?
    }

    var ports: [SlicePort]
    /// Their port number is set when they join a Service port.
    var endpoints: [ServiceEndpoint]

    init?(_ slice: EndpointSlice) {
        guard slice.addressType == "IPv4" || slice.addressType == "IPv6" else { return nil }
        ports = (slice.ports ?? []).compactMap { port in
            guard let transport = TransportProtocol(kubernetes: port.protocol) else { return nil }
            if port.port != nil, Port(kubernetes: port.port) == nil { return nil }
            return SlicePort(name: port.name ?? "", transport: transport, number: Port(kubernetes: port.port))
        }
        let namespace = slice.metadata.namespace ?? ""
        endpoints = (slice.endpoints ?? []).compactMap { endpoint in
            guard let ip = endpoint.addresses?.first.flatMap({ IPAddress($0) }) else { return nil }
            let conditions = endpoint.conditions
            let isReady = conditions?.ready ?? true
            let pod = endpoint.targetRef.flatMap { reference -> NamespacedName? in
                guard reference.kind == "Pod", let name = reference.name else { return nil }
                return NamespacedName(namespace: reference.namespace ?? namespace, name: name)
            }
            return ServiceEndpoint(
                address: SocketAddress(ip: ip, port: Port(rawValue: 0)), isReady: isReady,
                isServing: conditions?.serving ?? isReady, isTerminating: conditions?.terminating ?? false,
                nodeName: endpoint.nodeName, zone: endpoint.zone, pod: pod)
        }
    }
}
