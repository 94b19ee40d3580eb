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
    /// Which of the nodes are rather taken.
    package var preferences: [Preference]
    /// Any of them; none means all Services.
    package var serviceSelectors: [Selector]
    /// None means those that lead out of the machine.
    package var interfaces: Set<String>

    /// What a node gains over others that may announce, if it is selected.
    package struct Preference: Hashable, Sendable {
        package var weight: Int
        package var nodes: Selector

        package init(weight: Int, nodes: Selector) {
            self.weight = weight
            self.nodes = nodes
        }
    }

    package init(
        _ key: NamespacedName, _ method: AnnouncementPlan.Method, pools: Set<String> = [],
        poolSelectors: [Selector] = [], nodeSelectors: [Selector] = [], serviceSelectors: [Selector] = [],
        interfaces: Set<String> = [], preferences: [Preference] = []
    ) {
        self.key = key
        self.method = method
        self.pools = pools
        self.poolSelectors = poolSelectors
        self.nodeSelectors = nodeSelectors
        self.serviceSelectors = serviceSelectors
        self.interfaces = interfaces
        self.preferences = preferences
    }

    /// How much rather a node is taken than one without preference: the weights of all that select it.
    func score(of node: AnnouncingNode) -> Int {
        preferences.reduce(0) { $1.nodes.matches(node.labels) ? $0 + $1.weight : $0 }
    }

    func covers(_ pool: AnnouncedPool) -> Bool {
        if let namespace = pool.reference.namespace, namespace != key.namespace { return false }
        if pools.isEmpty, poolSelectors.isEmpty { return true }
        return pools.contains(pool.reference.name) || poolSelectors.contains { $0.matches(pool.labels) }
    }
}
