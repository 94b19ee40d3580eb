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
    private var slices: [NamespacedName: [String: EndpointSliceEntry]] = [:]
    /// The Service that a slice belonged to when it was last seen.
    private var owners: [NamespacedName: NamespacedName] = [:]
    /// The Services that changed since `takeChanges()`, each with its state of then.
    private var changed: [NamespacedName: ServiceEntry?] = [:]

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

    /// The slices of a Service as they are, in order of their names; also those of one that is not there.
    package func slices(of key: NamespacedName) -> [EndpointSliceEntry] {
        (slices[key] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }

    /// The Service that a slice belonged to when it was last seen.
    package func owner(ofSlice key: NamespacedName) -> NamespacedName? { owners[key] }

    /// The Services that were added, changed or removed since the last call, in order of their keys. One that is again
    /// what it was is left out.
    package mutating func takeChanges() -> [ServiceChange] {
        defer { changed = [:] }
        return changed.compactMap { key, before in
            let after = services[key]
            return before == after ? nil : ServiceChange(key: key, before: before, after: after)
        }.sorted { $0.key < $1.key }
    }

    /// Adds or replaces a Service, given without its endpoints. Returns the Service where anything changed that traffic
    /// depends on.
    @discardableResult
    package mutating func setService(_ service: ServiceEntry) -> [NamespacedName] {
        var entry = service
        attachEndpoints(to: &entry)
        return commit(entry)
    }

    @discardableResult
    package mutating func setService(_ service: Service) -> [NamespacedName] { setService(ServiceEntry(service)) }

    /// Removes a Service. Its slices stay, in case it comes back.
    @discardableResult
    package mutating func removeService(_ key: NamespacedName) -> [NamespacedName] {
        guard let previous = services.removeValue(forKey: key) else { return [] }
        note(key, before: previous)
        return [key]
    }

    /// Adds or replaces a slice; nil is one that says nothing (of names rather than addresses, or of no Service).
    /// Returns the Services that changed by it: two when it moved from one to the other.
    @discardableResult
    package mutating func setSlice(_ key: NamespacedName, _ entry: EndpointSliceEntry?) -> [NamespacedName] {
        guard let entry else { return removeSlice(key) }
        let owner = entry.service
        var changed: [NamespacedName] = []
        if let previous = owners[key], previous != owner { changed = removeSlice(key) }
        owners[key] = owner
        guard slices[owner]?[key.name] != entry else { return changed }
        slices[owner, default: [:]][key.name] = entry
        return changed + refresh(owner)
    }

    @discardableResult
    package mutating func setSlice(_ slice: EndpointSlice) -> [NamespacedName] {
        setSlice(NamespacedName(slice.metadata), EndpointSliceEntry(slice))
    }

    /// Removes a slice. Returns the Service that changed by it.
    @discardableResult
    package mutating func removeSlice(_ key: NamespacedName) -> [NamespacedName] {
        guard let owner = owners.removeValue(forKey: key) else { return [] }
        slices[owner]?[key.name] = nil
        if slices[owner]?.isEmpty == true { slices[owner] = nil }
        return refresh(owner)
    }

    private mutating func refresh(_ key: NamespacedName) -> [NamespacedName] {
        guard var entry = services[key] else { return [] }
        attachEndpoints(to: &entry)
        return commit(entry)
    }

    private mutating func commit(_ entry: ServiceEntry) -> [NamespacedName] {
        let previous = services[entry.key]
        guard previous != entry else { return [] }
        services[entry.key] = entry
        note(entry.key, before: previous)
        return [entry.key]
    }

    private mutating func note(_ key: NamespacedName, before previous: ServiceEntry?) {
        if !changed.keys.contains(key) { changed[key] = .some(previous) }
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
