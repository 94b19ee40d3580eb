package import KubeModel

extension AnnouncedPool {
    package init(_ pool: IPAddressPool) {
        self.init(
            .init(namespace: pool.metadata.namespace ?? "", name: pool.metadata.name ?? ""),
            labels: pool.metadata.labels ?? [:], addresses: pool.spec?.addresses ?? [])
    }
}

extension Advertisement {
    /// Nil where a selector cannot be understood: what is not understood is not announced.
    package init?(_ advertisement: L2Advertisement) {
        let spec = advertisement.spec ?? L2AdvertisementSpec()
        self.init(
            NamespacedName(advertisement.metadata), .layer2, pools: spec.ipAddressPools,
            poolSelectors: spec.ipAddressPoolSelectors, nodeSelectors: spec.nodeSelectors,
            serviceSelectors: spec.serviceSelectors, interfaces: spec.interfaces,
            preferred: spec.preferredNodeSelectors)
    }

    /// Nil where a selector cannot be understood: what is not understood is not announced.
    package init?(_ advertisement: BGPAdvertisement) {
        let spec = advertisement.spec ?? BGPAdvertisementSpec()
        self.init(
            NamespacedName(advertisement.metadata), .bgp, pools: spec.ipAddressPools,
            poolSelectors: spec.ipAddressPoolSelectors, nodeSelectors: spec.nodeSelectors,
            serviceSelectors: spec.serviceSelectors, interfaces: nil)
    }

    private init?(
        _ key: NamespacedName, _ method: AnnouncementPlan.Method, pools: [String]?, poolSelectors: [LabelSelector]?,
        nodeSelectors: [LabelSelector]?, serviceSelectors: [LabelSelector]?, interfaces: [String]?,
        preferred: [PreferredNodeSelector]? = nil
    ) {
        func read(_ selectors: [LabelSelector]?) throws(SelectorError) -> [Selector] {
            var read: [Selector] = []
            for selector in selectors ?? [] { read.append(try Selector(selector)) }
            return read
        }
        do {
            var preferences: [Preference] = []
            for term in preferred ?? [] {
                let weight = min(max(term.weight ?? 0, 0), 100)
                preferences.append(.init(weight: weight, nodes: try Selector(term.preference ?? LabelSelector())))
            }
            self.init(
                key, method, pools: Set(pools ?? []), poolSelectors: try read(poolSelectors),
                nodeSelectors: try read(nodeSelectors), serviceSelectors: try read(serviceSelectors),
                interfaces: Set(interfaces ?? []), preferences: preferences)
        } catch {
            return nil
        }
    }
}
