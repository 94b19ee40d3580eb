package import KubeModel

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
