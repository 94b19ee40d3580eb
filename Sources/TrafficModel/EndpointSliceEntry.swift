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
    /// Their port number is set when they join a Service port.
    package var endpoints: [ServiceEndpoint]

    /// The label that ties a slice to its Service.
    package static let serviceNameLabel = "kubernetes.io/service-name"

    /// Nil for a slice of names rather than addresses, or of no Service.
    package init?(_ slice: EndpointSlice) {
        guard slice.addressType == "IPv4" || slice.addressType == "IPv6",
            let name = slice.metadata.labels?[Self.serviceNameLabel], !name.isEmpty
        else { return nil }
        let namespace = slice.metadata.namespace ?? ""
        service = NamespacedName(namespace: namespace, name: name)
        ports = (slice.ports ?? []).compactMap { port in
            guard let transport = TransportProtocol(kubernetes: port.protocol) else { return nil }
            if port.port != nil, Port(kubernetes: port.port) == nil { return nil }
            return SlicePort(name: port.name ?? "", transport: transport, number: Port(kubernetes: port.port))
        }
        endpoints = []
        // Of 100,000 endpoints twice the room of what is used would be 8 MB.
        endpoints.reserveCapacity(slice.endpoints?.count ?? 0)
        for endpoint in slice.endpoints ?? [] {
            guard let ip = endpoint.addresses?.first.flatMap({ IPAddress($0) }) else { continue }
            let conditions = endpoint.conditions
            let isReady = conditions?.ready ?? true
            let pod = endpoint.targetRef.flatMap { reference -> NamespacedName? in
                guard reference.kind == "Pod", let name = reference.name else { return nil }
                return NamespacedName(namespace: reference.namespace ?? namespace, name: name)
            }
            endpoints.append(
                ServiceEndpoint(
                    address: SocketAddress(ip: ip, port: Port(rawValue: 0)), isReady: isReady,
                    isServing: conditions?.serving ?? isReady, isTerminating: conditions?.terminating ?? false,
                    nodeName: endpoint.nodeName, zone: endpoint.zone, pod: pod, hostname: endpoint.hostname,
                    nodeHints: endpoint.hints?.forNodes?.map(\.name) ?? [],
                    zoneHints: endpoint.hints?.forZones?.map(\.name) ?? []))
        }
    }
}
