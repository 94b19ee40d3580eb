import KubeClient
import KubeModel
import Synchronization
import TrafficModel

/// What announcing depends on, kept up to date by informers, and the plan that follows from it. Each way of announcing follows
/// it by a signal of its own.
final class AnnouncementState: Sendable {
    private struct Value {
        var planner = AnnouncementPlanner()
        /// Those that have addresses to announce.
        var services: [NamespacedName: (entry: ServiceEntry, labels: [String: String])] = [:]
        /// Those to be looked at again.
        var dirty: Set<NamespacedName> = []
        var isOutdated = true
        var plan = AnnouncementPlan()
        /// By name, for what is to go with a Node.
        var nodeUIDs: [String: String] = [:]
        var followers: [ChangeSignal] = []
        var uses: [AnnouncementPlan.PoolReference: PoolUse] = [:]
    }

    private let value = Mutex(Value())
    /// One plan at a time, so that nobody gets one that lacks what another has taken to look at.
    private let planning = Mutex(())
    private let traffic: TrafficState

    init(_ traffic: TrafficState) { self.traffic = traffic }

    /// Raised whenever the plan may be another.
    func follow() -> ChangeSignal {
        let signal = ChangeSignal()
        value.withLock { $0.followers.append(signal) }
        return signal
    }

    /// Returns once something is to be announced in this way.
    ///
    /// - Throws: `CancellationError`.
    func waitForEntries(_ method: AnnouncementPlan.Method) async throws {
        let signal = follow()
        signal.raise()
        for await _ in signal.changes where plan().entries.contains(where: { $0.method == method }) { return }
        throw CancellationError()
    }

    /// The plan as of now.
    func plan() -> AnnouncementPlan { planning.withLock { _ in planAlone() } }

    private func planAlone() -> AnnouncementPlan {
        let (dirty, services) = value.withLock { value in
            defer { value.dirty = [] }
            return (value.dirty, value.services.filter { value.dirty.contains($0.key) })
        }
        // Outside of the lock: the traffic's own is taken.
        let looked = dirty.map { key in
            (
                key,
                services[key].flatMap {
                    AnnouncedService($0.entry, labels: $0.labels, slices: traffic.slices(of: key))
                }
            )
        }
        return value.withLock { value in
            for (key, service) in looked where value.planner.services[key] != service {
                value.planner.services[key] = service
                value.isOutdated = true
            }
            if value.isOutdated {
                value.isOutdated = false
                value.plan = value.planner.plan()
            }
            return value.plan
        }
    }

    func uid(ofNode name: String) -> String? { value.withLock { $0.nodeUIDs[name] } }

    // MARK: From the API

    /// Called after the traffic's own handlers were added: what these signal is in the traffic's state by then.
    func observe(
        services: Informer<KeptService>, slices: Informer<KeptSlice>, nodes: Informer<KeptAnnouncingNode>,
        addressPools: Informer<AddressPool>
    ) {
        services.addHandler { [self] change in
            let service = change.isDeletion ? nil : change.object
            setService(change.key, service?.entry, labels: service?.labels ?? [:])
        }
        slices.addHandler { [self] change in
            var keys = [change.object.service]
            if case .updated(let old, _) = change { keys.append(old.service) }
            touch(keys.compactMap { $0 })
        }
        nodes.addHandler { [self] change in setNode(change.key.name, change.isDeletion ? nil : change.object) }
        addressPools.addHandler { [self] change in
            let reference = AnnouncementPlan.PoolReference(namespace: nil, name: change.key.name)
            setPool(reference, change.isDeletion ? nil : AnnouncedPool(change.object))
            setUse(of: reference, change.isDeletion ? nil : PoolUse(change.object))
        }
    }

    func observe(
        pools: Informer<IPAddressPool>, l2Advertisements: Informer<L2Advertisement>,
        bgpAdvertisements: Informer<BGPAdvertisement>
    ) {
        pools.addHandler { [self] change in
            let reference = AnnouncementPlan.PoolReference(namespace: change.key.namespace, name: change.key.name)
            setPool(reference, change.isDeletion ? nil : AnnouncedPool(change.object))
            setUse(of: reference, change.isDeletion ? nil : PoolUse(change.object))
        }
        l2Advertisements.addHandler { [self] change in
            setAdvertisement(change.key, .layer2, change.isDeletion ? nil : Advertisement(change.object))
        }
        bgpAdvertisements.addHandler { [self] change in
            setAdvertisement(change.key, .bgp, change.isDeletion ? nil : Advertisement(change.object))
        }
    }

    func setService(_ key: NamespacedName, _ entry: ServiceEntry?, labels: [String: String]) {
        raise { value in
            let known = value.services[key]
            guard let entry, entry.form == .virtual, !entry.loadBalancerIPs.isEmpty else {
                value.services[key] = nil
                if known != nil { value.dirty.insert(key) }
                return known != nil
            }
            value.services[key] = (entry, labels)
            guard known?.entry != entry || known?.labels != labels else { return false }
            value.dirty.insert(key)
            return true
        }
    }

    private func touch(_ keys: [NamespacedName]) {
        raise { value in
            let concerned = keys.filter { value.services[$0] != nil }
            value.dirty.formUnion(concerned)
            return !concerned.isEmpty
        }
    }

    func setNode(_ name: String, _ node: KeptAnnouncingNode?) {
        raise { value in
            value.nodeUIDs[name] = node?.metadata.uid
            guard value.planner.nodes[name] != node?.node else { return false }
            value.planner.nodes[name] = node?.node
            value.isOutdated = true
            return true
        }
    }

    func setPool(_ reference: AnnouncementPlan.PoolReference, _ pool: AnnouncedPool?) {
        raise { value in
            guard value.planner.pools[reference] != pool else { return false }
            value.planner.pools[reference] = pool
            value.isOutdated = true
            return true
        }
    }

    func setUse(of reference: AnnouncementPlan.PoolReference, _ use: PoolUse?) {
        value.withLock { $0.uses[reference] = use }
    }

    /// How much of each pool is in use, as far as pools say.
    var uses: [AnnouncementPlan.PoolReference: PoolUse] { value.withLock(\.uses) }

    func setAdvertisement(
        _ key: NamespacedName, _ method: AnnouncementPlan.Method, _ advertisement: Advertisement?
    ) {
        raise { value in
            guard value.planner.advertisements[method]?[key] != advertisement else { return false }
            value.planner.advertisements[method, default: [:]][key] = advertisement
            value.isOutdated = true
            return true
        }
    }

    /// - Parameter change: returns whether the plan may be another.
    private func raise(_ change: (inout Value) -> Bool) {
        let followers = value.withLock { change(&$0) ? $0.followers : [] }
        for signal in followers { signal.raise() }
    }
}

extension InformerChange {
    fileprivate var isDeletion: Bool {
        if case .deleted = self { return true }
        return false
    }
}
