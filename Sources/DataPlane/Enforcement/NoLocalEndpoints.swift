import KubeModel
package import TrafficModel

/// Counts ports of Services whose traffic may go to this node's endpoints only, and that have none here while there are
/// some elsewhere: kube-proxy's `sync_proxy_rules_no_local_endpoints_total`. Pure.
package struct NoLocalEndpoints: Sendable {
    package struct Counts: Sendable, Hashable {
        /// By `internalTrafficPolicy`.
        package var inside = 0
        /// By `externalTrafficPolicy`.
        package var outside = 0

        package init() {}
    }

    package private(set) var total = Counts()
    private var services: [NamespacedName: Counts] = [:]

    package init() {}

    /// Takes in the changes of a batch.
    package mutating func take(_ changes: [ServiceChange], on node: NodeIdentity) {
        for change in changes {
            let new = Self.counts(change.after, on: node)
            let old = services[change.key] ?? Counts()
            guard new != old else { continue }
            services[change.key] = new == Counts() ? nil : new
            total.inside += new.inside - old.inside
            total.outside += new.outside - old.outside
        }
    }

    private static func counts(_ service: ServiceEntry?, on node: NodeIdentity) -> Counts {
        var counts = Counts()
        guard let service, service.form == .virtual else { return counts }
        let isReachedFromOutside = !service.externalIPs.isEmpty || !service.loadBalancerIPs.isEmpty
        for port in service.ports {
            let isOutside =
                service.externalTrafficPolicy == .local && (isReachedFromOutside || port.nodePort != nil)
            guard service.internalTrafficPolicy == .local || isOutside,
                port.usableEndpoints(policy: .local, on: node).isEmpty,
                !port.usableEndpoints(policy: .cluster, on: node).isEmpty
            else { continue }
            if service.internalTrafficPolicy == .local { counts.inside += 1 }
            if isOutside { counts.outside += 1 }
        }
        return counts
    }
}
