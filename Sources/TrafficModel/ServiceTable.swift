package import KubeModel
import NetworkTypes

/// Services joined with their EndpointSlices: a value that is kept up to date one object at a time.
///
/// Each change recomputes the one Service that it touches, so that the cost of an endpoint change does not grow with
/// the number of Services. Slices may arrive before their Service; they wait for it. Changes accumulate by key until
/// `takeChanges()`.
package struct ServiceTable: Sendable {
    /// A Service with what it is joined from.
    fileprivate struct Row {
        /// Nil while only slices of it are there.
        var service: ServiceEntry?
        /// In order of their names.
        var slices: [NamedSlice] = []
    }

    fileprivate struct NamedSlice {
        var name: String
        var entry: EndpointSliceEntry
    }

    private var rows: [NamespacedName: Row] = [:]
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
    package var entries: some Sequence<ServiceEntry> { rows.values.lazy.compactMap(\.service) }

    package subscript(key: NamespacedName) -> ServiceEntry? { rows[key]?.service }

    /// The slices of a Service as they are, in order of their names; also those of one that is not there.
    package func slices(of key: NamespacedName) -> [EndpointSliceEntry] { rows[key]?.slices.map(\.entry) ?? [] }

    /// The Service that a slice belonged to when it was last seen.
    package func owner(ofSlice key: NamespacedName) -> NamespacedName? { owners[key] }

    /// The Services that were added, changed or removed since the last call, in order of their keys. One that is again
    /// what it was is left out.
    package mutating func takeChanges() -> [ServiceChange] {
        defer { changed = [:] }
        return changed.compactMap { key, before in
            let after = self[key]
            return before == after ? nil : ServiceChange(key: key, before: before, after: after)
        }.sorted { $0.key < $1.key }
    }

    /// Adds or replaces a Service, given without its endpoints. Returns the Service where anything changed that traffic
    /// depends on.
    @discardableResult
    package mutating func setService(_ service: ServiceEntry) -> [NamespacedName] {
        change(service.key) { $0.service = service }
    }

    @discardableResult
    package mutating func setService(_ service: Service) -> [NamespacedName] { setService(ServiceEntry(service)) }

    /// Removes a Service. Its slices stay, in case it comes back.
    @discardableResult
    package mutating func removeService(_ key: NamespacedName) -> [NamespacedName] { change(key) { $0.service = nil } }

    /// Adds or replaces a slice; nil is one that says nothing (of names rather than addresses, or of no Service).
    /// Returns the Services that changed by it: two when it moved from one to the other.
    @discardableResult
    package mutating func setSlice(_ key: NamespacedName, _ entry: EndpointSliceEntry?) -> [NamespacedName] {
        guard let entry else { return removeSlice(key) }
        var changed: [NamespacedName] = []
        if let previous = owners[key], previous != entry.service { changed = removeSlice(key) }
        owners[key] = entry.service
        return changed + change(entry.service) { $0.set(entry, named: key.name) }
    }

    @discardableResult
    package mutating func setSlice(_ slice: EndpointSlice) -> [NamespacedName] {
        setSlice(NamespacedName(slice.metadata), EndpointSliceEntry(slice))
    }

    /// Removes a slice. Returns the Service that changed by it.
    @discardableResult
    package mutating func removeSlice(_ key: NamespacedName) -> [NamespacedName] {
        guard let owner = owners.removeValue(forKey: key) else { return [] }
        return change(owner) { $0.set(nil, named: key.name) }
    }

    /// Changes one row, joins it anew, and notes whether its Service is another by it.
    private mutating func change(_ key: NamespacedName, _ change: (inout Row) -> Void) -> [NamespacedName] {
        var row = rows.removeValue(forKey: key) ?? Row()
        let previous = row.service
        change(&row)
        row.join()
        let isChanged = row.service != previous
        if isChanged { note(key, before: previous) }
        if !row.isEmpty { rows[key] = row }
        return isChanged ? [key] : []
    }

    private mutating func note(_ key: NamespacedName, before previous: ServiceEntry?) {
        if !changed.keys.contains(key) { changed[key] = .some(previous) }
    }
}

extension ServiceTable.Row {
    var isEmpty: Bool { service == nil && slices.isEmpty }

    mutating func set(_ entry: EndpointSliceEntry?, named name: String) {
        let index = slices.firstIndex { $0.name >= name } ?? slices.endIndex
        let isThere = index < slices.endIndex && slices[index].name == name
        switch (entry, isThere) {
        case (let entry?, true): slices[index].entry = entry
        case (let entry?, false): slices.insert(ServiceTable.NamedSlice(name: name, entry: entry), at: index)
        case (nil, true): slices.remove(at: index)
        case (nil, false): break
        }
    }

    /// Joins by port name.
    mutating func join() {
        guard var joined = service.take() else { return }
        for index in joined.ports.indices { joined.ports[index].endpoints = endpoints(of: joined.ports[index]) }
        service = joined
    }

    private func endpoints(of port: ServicePortEntry) -> [ServiceEndpoint] {
        var parts: [[ServiceEndpoint]] = []
        for slice in slices {
            for offered in slice.entry.ports where offered.name == port.name && offered.transport == port.transport {
                // Without a number a slice means every port: the Service's own number is the only sensible one.
                parts.append(slice.entry.endpoints(at: offered.number ?? port.port))
            }
        }
        guard parts.count > 1 else { return parts.first ?? [] }
        var endpoints = Array(parts.joined())
        endpoints.merge()
        return endpoints
    }
}
