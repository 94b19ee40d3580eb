internal import KubeModel
package import NetworkTypes
package import TrafficModel

/// A Service with load-balancer addresses, as far as announcing depends on it.
package struct AnnouncedService: Hashable, Sendable {
    package var uid: String
    package var labels: [String: String]
    package var addresses: [IPAddress]
    /// The nodes with ready endpoints of a family, where only these may take its traffic; nil for the policy `Cluster`.
    package var localNodes: [IPFamily: Set<String>]?
    /// The families in which there is a ready endpoint.
    package var readyFamilies: Set<IPFamily>

    package init(
        uid: String = "", labels: [String: String] = [:], addresses: [IPAddress],
        localNodes: [IPFamily: Set<String>]? = nil, readyFamilies: Set<IPFamily> = [.v4, .v6]
    ) {
        self.uid = uid
        self.labels = labels
        self.addresses = addresses
        self.localNodes = localNodes
        self.readyFamilies = readyFamilies
    }

    /// Nil for a Service that has nothing to announce.
    package init?(_ entry: ServiceEntry, labels: [String: String], slices: some Sequence<EndpointSliceEntry>) {
        guard entry.form == .virtual, !entry.loadBalancerIPs.isEmpty else { return nil }
        var nodes: [IPFamily: Set<String>] = [:]
        var families: Set<IPFamily> = []
        for slice in slices {
            for endpoint in slice.endpoints where endpoint.isReady && !endpoint.isTerminating {
                families.insert(endpoint.address.ip.family)
                guard entry.externalTrafficPolicy == .local, let node = endpoint.nodeName else { continue }
                nodes[endpoint.address.ip.family, default: []].insert(node)
            }
        }
        self.init(
            uid: entry.uid.description, labels: labels, addresses: entry.loadBalancerIPs,
            localNodes: entry.externalTrafficPolicy == .local ? nodes : nil, readyFamilies: families)
    }
}
