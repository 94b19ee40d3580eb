package import KubeModel
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
            uid: entry.uid, labels: labels, addresses: entry.loadBalancerIPs,
            localNodes: entry.externalTrafficPolicy == .local ? nodes : nil, readyFamilies: families)
    }
}

/// A node that may announce.
package struct AnnouncingNode: Hashable, Sendable {
    package var name: String
    package var labels: [String: String]
    /// Ready, with a network, and not kept away from load balancing by its label.
    package var isFit: Bool
    /// New work is to stay away from it; it announces what nobody else can.
    package var isCordoned: Bool

    /// The well-known label; its value does not matter (KEP-1143).
    static let exclusionLabel = "node.kubernetes.io/exclude-from-external-load-balancers"

    package init(name: String, labels: [String: String] = [:], isFit: Bool = true, isCordoned: Bool = false) {
        self.name = name
        self.labels = labels
        self.isFit = isFit
        self.isCordoned = isCordoned
    }

    package init(_ node: Node) {
        let conditions = node.status?.conditions ?? []
        let labels = node.metadata.labels ?? [:]
        // Who says nothing of being ready has nobody who would say otherwise.
        let isReady = conditions.first { $0.type == "Ready" }.map { $0.status == "True" } ?? true
        let hasNetwork = conditions.first { $0.type == "NetworkUnavailable" }.map { $0.status != "True" } ?? true
        self.init(
            name: node.metadata.name ?? "", labels: labels,
            isFit: isReady && hasNetwork && labels[Self.exclusionLabel] == nil,
            isCordoned: node.spec?.unschedulable ?? false)
    }
}

/// The addresses of a pool, of either kind.
package struct AnnouncedPool: Hashable, Sendable {
    package var reference: AnnouncementPlan.PoolReference
    package var labels: [String: String]
    package var ranges: [AddressRange]

    package init(
        _ reference: AnnouncementPlan.PoolReference, labels: [String: String] = [:], addresses: [String]
    ) {
        self.reference = reference
        self.labels = labels
        // What is no address is for the pool's own status to say.
        ranges = addresses.compactMap { AddressRange($0) }
    }

    package init(_ pool: AddressPool) {
        self.init(
            .init(namespace: nil, name: pool.metadata.name ?? ""), labels: pool.metadata.labels ?? [:],
            addresses: pool.spec?.addresses ?? [])
    }
}

/// That the addresses of pools are announced in one way: an L2Advertisement or a BGPAdvertisement.
package struct Advertisement: Hashable, Sendable {
    package var key: NamespacedName
    package var method: AnnouncementPlan.Method
    /// With `poolSelectors`, the pools of its namespace; neither means all of them. A pool without a namespace is in each.
    package var pools: Set<String>
    package var poolSelectors: [Selector]
    /// Any of them; none means all nodes.
    package var nodeSelectors: [Selector]
    /// Any of them; none means all Services.
    package var serviceSelectors: [Selector]
    /// None means those that lead out of the machine.
    package var interfaces: Set<String>

    package init(
        _ key: NamespacedName, _ method: AnnouncementPlan.Method, pools: Set<String> = [],
        poolSelectors: [Selector] = [], nodeSelectors: [Selector] = [], serviceSelectors: [Selector] = [],
        interfaces: Set<String> = []
    ) {
        self.key = key
        self.method = method
        self.pools = pools
        self.poolSelectors = poolSelectors
        self.nodeSelectors = nodeSelectors
        self.serviceSelectors = serviceSelectors
        self.interfaces = interfaces
    }

    func covers(_ pool: AnnouncedPool) -> Bool {
        if let namespace = pool.reference.namespace, namespace != key.namespace { return false }
        if pools.isEmpty, poolSelectors.isEmpty { return true }
        return pools.contains(pool.reference.name) || poolSelectors.contains { $0.matches(pool.labels) }
    }
}
