internal import Announcement
internal import KubeClient
internal import KubeModel
internal import NetworkTypes
internal import Synchronization

/// What a ``BGPPlanner`` plans from, kept up to date by informers.
final class BGPInputs: Sendable {
    private let planner: Mutex<BGPPlanner>
    /// Raised when the plan may be another.
    let changed = ChangeSignal()

    init(_ planner: BGPPlanner) { self.planner = Mutex(planner) }

    func plan(_ announcements: AnnouncementPlan) -> BGPPlan {
        // A copy: planning takes its time.
        let planner = planner.withLock { $0 }
        return planner.plan(announcements)
    }

    /// What `BGPPlanner` has by these names.
    func setNode(addresses: [IPAddress], obstacle: String?) {
        change { planner in
            planner.nodeAddresses = addresses
            planner.obstacle = obstacle
        }
    }

    /// The object that something is said about; nil when it is gone.
    func reference(_ kind: BGPPlan.Complaint.Kind, _ key: NamespacedName) -> ObjectReference? {
        planner.withLock { planner in
            switch kind {
            case .peer: planner.peers[key].map { ObjectReference(to: $0) }
            case .advertisement: planner.advertisements[key].map { ObjectReference(to: $0) }
            }
        }
    }

    func observe(
        peers: Informer<BGPPeer>, advertisements: Informer<BGPAdvertisement>, communities: Informer<Community>,
        profiles: Informer<BFDProfile>
    ) {
        follow(peers, \.peers)
        follow(advertisements, \.advertisements)
        follow(communities, \.communities)
        follow(profiles, \.profiles)
    }

    /// The Secrets that sessions of this node need.
    var secrets: Set<NamespacedName> { planner.withLock { $0.secrets } }

    func setPassword(_ key: NamespacedName, _ password: BGPPassword) { change { $0.passwords[key] = password } }

    func observe(pools: Informer<IPAddressPool>, addressPools: Informer<AddressPool>, ownNode: Informer<Node>) {
        pools.addHandler { [self] change in
            let reference = AnnouncementPlan.PoolReference(namespace: change.key.namespace, name: change.key.name)
            if case .deleted = change { return setPool(reference, nil) }
            setPool(reference, AnnouncedPool(change.object))
        }
        addressPools.addHandler { [self] change in
            let reference = AnnouncementPlan.PoolReference(namespace: nil, name: change.key.name)
            if case .deleted = change { return setPool(reference, nil) }
            setPool(reference, AnnouncedPool(change.object))
        }
        ownNode.addHandler { [self] change in
            let labels = change.object.metadata.labels ?? [:]
            self.change { planner in
                guard planner.nodeLabels != labels else { return }
                planner.nodeLabels = labels
            }
        }
    }

    private func setPool(_ reference: AnnouncementPlan.PoolReference, _ pool: AnnouncedPool?) {
        change { $0.pools[reference] = pool }
    }

    private func follow<Object: KubeObject>(
        _ informer: Informer<Object>, _ path: any WritableKeyPath<BGPPlanner, [NamespacedName: Object]> & Sendable
    ) {
        informer.addHandler { [self] change in
            self.change { planner in
                if case .deleted = change {
                    planner[keyPath: path][change.key] = nil
                } else {
                    planner[keyPath: path][change.key] = change.object
                }
            }
        }
    }

    private func change(_ body: (inout BGPPlanner) -> Void) {
        planner.withLock { body(&$0) }
        changed.raise()
    }
}
