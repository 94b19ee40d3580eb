package import KubeModel
package import NetworkTypes

/// What is kept of an EndpointSlice.
package struct EndpointSliceEntry: Hashable, Sendable {
    package struct SlicePort: Hashable, Sendable {
        package var name: String
        package var transport: TransportProtocol
        /// Nil means every port: the Service's own number is taken.
        package var number: Port?
    }

    /// The Service that it is for.
    package var service: NamespacedName
    package var ports: [SlicePort]
    /// In order of their addresses, without duplicates, at the slice's first port: see ``endpoints(at:)``.
    package var endpoints: [ServiceEndpoint]
    /// Own labels of endpoints below the Service's name in DNS, of those that have one.
    package var hostnames: [IPAddress: String]

    /// The label that ties a slice to its Service.
    package static let serviceNameLabel = "kubernetes.io/service-name"

    /// Nil for a slice of names rather than addresses, or of no Service.
    package init?(_ slice: EndpointSlice) {
        guard slice.addressType == "IPv4" || slice.addressType == "IPv6",
            let name = slice.metadata.labels?[Self.serviceNameLabel], !name.isEmpty
        else { return nil }
        service = NamespacedName(namespace: slice.metadata.namespace ?? "", name: name).detached
        ports = (slice.ports ?? []).compactMap { port in
            guard let transport = TransportProtocol(kubernetes: port.protocol) else { return nil }
            if port.port != nil, Port(kubernetes: port.port) == nil { return nil }
            return SlicePort(name: port.name ?? "", transport: transport, number: Port(kubernetes: port.port))
        }
        let number = ports.first?.number ?? Port(rawValue: 0)
        endpoints = []
        hostnames = [:]
        // Twice the room of what is used would be twice the memory.
        endpoints.reserveCapacity(slice.endpoints?.count ?? 0)
        for endpoint in slice.endpoints ?? [] {
            guard let ip = endpoint.addresses?.first.flatMap({ IPAddress($0) }) else { continue }
            let conditions = endpoint.conditions
            let isReady = conditions?.ready ?? true
            endpoints.append(
                ServiceEndpoint(
                    address: SocketAddress(ip: ip, port: number), isReady: isReady,
                    isServing: conditions?.serving ?? isReady, isTerminating: conditions?.terminating ?? false,
                    nodeName: endpoint.nodeName, nodeHints: endpoint.hints?.forNodes?.map(\.name) ?? [],
                    zoneHints: endpoint.hints?.forZones?.map(\.name) ?? []))
            if let hostname = endpoint.hostname { hostnames[ip] = hostname }
        }
        endpoints.merge()
    }

    /// The endpoints with the number of one of its ports. For the first one, which most slices have alone, that is the very
    /// array: it is in memory once for the slice and for its Service.
    func endpoints(at number: Port) -> [ServiceEndpoint] {
        guard let first = endpoints.first, first.address.port != number else { return endpoints }
        return endpoints.map { $0.at(number) }
    }
}
