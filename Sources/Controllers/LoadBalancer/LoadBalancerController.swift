import KubeClient
import KubeModel
import Logging
import NetworkTypes
import Synchronization

/// Gives Services of type LoadBalancer addresses from AddressPools and from MetalLB's IPAddressPools.
final class LoadBalancerController: Controller {
    let name = "load-balancer-controller"
    let client: APIClient
    let services: Informer<Service>
    let ours: Informer<AddressPool>
    let theirs: Informer<IPAddressPool>
    let namespaces: Informer<Namespace>
    let recorder: EventRecorder
    let configuration: LoadBalancerControllerConfiguration
    let wallClock: @Sendable () -> MicroTime
    let logger: Logger
    /// Never held while anything is written.
    let planner = Mutex(LoadBalancerPlanner())
    /// Why Services wait, as far as they were told: each is told once, until something changes for all.
    private let told = Mutex<[NamespacedName: String]>([:])

    private static let waiting = "loadBalancerWaiting"
    /// How long changes are gathered before those who wait are looked at again, and before a pool's status is written.
    private static let pause: Duration = .milliseconds(50)

    enum Key: Hashable, Sendable, CustomStringConvertible {
        /// The pools are others.
        case pools
        /// Something became free.
        case waiting
        case service(NamespacedName)
        case status(PoolAddresses.Identity)

        var description: String {
            switch self {
            case .pools: "pools"
            case .waiting: "waiting Services"
            case .service(let key): "Service \(key)"
            case .status(let id): "\(id)"
            }
        }
    }

    init(_ context: ControllerContext, _ configuration: LoadBalancerControllerConfiguration) {
        client = context.client
        services = context.informers.informer(indexes: [
            Self.waiting: { service in
                service.spec?.type == "LoadBalancer" && LoadBalancerRequest.published(service).isEmpty ? ["yes"] : []
            }
        ])
        ours = context.informers.informer()
        theirs = context.informers.informer()
        namespaces = context.informers.informer()
        recorder = context.recorder
        wallClock = context.wallClock
        logger = context.logger
        self.configuration = configuration
    }

    func run() async throws {
        for informer in [services, ours, theirs, namespaces] as [any AnyInformer] { try await informer.waitForSync() }
        planner.withLock { $0 = LoadBalancerPlanner() }
        told.withLock { $0 = [:] }
        try await catchUp()
        readPools()
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(services.addHandler { [self] in follow($0, queue) })
        scope.add(ours.addHandler { [self] in follow(pool: $0, \.spec, PoolAddresses.init, queue) })
        scope.add(theirs.addHandler { [self] in follow(pool: $0, \.spec, PoolAddresses.init, queue) })
        scope.add(
            namespaces.addHandler { change in
                if case .updated(let old, let new) = change, old.metadata.labels != new.metadata.labels {
                    queue.add(.waiting, after: Self.pause)
                }
            })
        // One worker: two at a time could choose the same address.
        try await ControllerLoop(name: name, queue: queue, workers: 1, logger: logger) { [self] key in
            switch key {
            case .pools:
                readPools()
                told.withLock { $0 = [:] }
                for key in services.store.keys { queue.add(.service(key)) }
                for pool in planner.withLock({ $0.pools }) { queue.add(.status(pool.id), after: Self.pause) }
            case .waiting:
                let all = services.store.objects(index: Self.waiting, "yes")
                let created = Timestamp(secondsSinceEpoch: 0)
                for service in all.sorted(by: {
                    ($0.metadata.creationTimestamp ?? created, NamespacedName($0.metadata))
                        < ($1.metadata.creationTimestamp ?? created, NamespacedName($1.metadata))
                }) {
                    queue.add(.service(NamespacedName(service.metadata)))
                }
            case .service(let key): try await reconcile(service: key)
            case .status(let id): try await reconcile(statusOf: id)
            }
            return .settled
        }.run()
        _ = consume scope
    }

    /// Whoever led before may have written what the watch has not delivered yet: nothing is given before that is known.
    private func catchUp() async throws {
        while true {
            do {
                for service in try await client.list(Service.self).items { services.absorb(service) }
                return
            } catch {
                try Task.checkCancellation()
                logger.warning("\(name): Services can't be listed: \(error)")
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    // MARK: Changes

    private func follow(_ change: InformerChange<Service>, _ queue: WorkQueue<Key>) {
        let request: LoadBalancerRequest?
        var before: [IPAddress] = []
        var after: [IPAddress] = []
        switch change {
        case .added(let service):
            request = self.request(service)
            after = LoadBalancerRequest.published(service)
        case .deleted(let service):
            request = nil
            before = LoadBalancerRequest.published(service)
            told.withLock { $0[change.key] = nil }
        case .updated(let old, let new):
            request = self.request(new)
            before = LoadBalancerRequest.published(old)
            after = LoadBalancerRequest.published(new)
            if before == after, old.spec == new.spec, old.metadata.annotations == new.metadata.annotations,
                old.metadata.labels == new.metadata.labels,
                old.metadata.deletionTimestamp == new.metadata.deletionTimestamp
            {
                return
            }
        }
        let (isFreed, pools) = planner.withLock { planner in
            let isFreed = planner.note(request, for: change.key)
            let numbers = Set((before + after).flatMap { planner.numbers(ofPoolsWith: $0) })
            return (isFreed, numbers.map { planner.pools[$0].id })
        }
        if change.object.spec?.type == "LoadBalancer" || !before.isEmpty || !after.isEmpty {
            queue.add(.service(change.key))
        }
        for pool in pools { queue.add(.status(pool), after: Self.pause) }
        if isFreed { queue.add(.waiting, after: Self.pause) }
    }

    private func follow<Pool: KubeObject, Spec: Equatable>(
        pool change: InformerChange<Pool>, _ spec: KeyPath<Pool, Spec?>, _ read: (Pool) -> PoolAddresses,
        _ queue: WorkQueue<Key>
    ) {
        if case .updated(let old, let new) = change {
            guard old[keyPath: spec] != new[keyPath: spec] else { return }
        }
        // Before the pool is forgotten.
        if case .deleted(let pool) = change { tellOfDeletion(of: pool, read(pool)) }
        queue.add(.pools)
    }

    private func readPools() {
        let pools =
            ours.store.snapshot().values.map { PoolAddresses($0) }
            + theirs.store.snapshot().values.map { PoolAddresses($0) }
        planner.withLock { $0.replacePools(pools) }
    }

    func request(_ service: Service) -> LoadBalancerRequest? {
        let namespace = service.metadata.namespace ?? ""
        return LoadBalancerRequest(
            service, loadBalancerClass: configuration.loadBalancerClass,
            namespaceLabels: namespaces.store.get(namespace)?.metadata.labels ?? [:])
    }

    // MARK: Services

    func reconcile(service key: NamespacedName) async throws {
        guard let service = services.store[key] else { return }
        guard let request = request(service) else { return try await releaseIfOurs(service) }
        if request.isTerminating { return }
        let decision = planner.withLock { planner in
            let decision = planner.decide(request)
            if case .assign(let addresses, _) = decision { planner.promise(addresses, to: request) }
            return decision
        }
        if case .refuse = decision {} else { told.withLock { $0[key] = nil } }
        switch decision {
        case .keep:
            let pool = planner.withLock { $0.poolName(of: request.current, preferring: request.allocatedFrom) }
            guard let pool, pool != request.allocatedFrom, request.pool == nil || request.pool == pool else { return }
            try await publish(request.current, pool, on: service)
        case .assign(let addresses, let pool):
            try await publish(addresses, pool, on: service)
            let list = addresses.map { goQuoted($0.description) }.joined(separator: " ")
            recorder.record(.normal, about: service, reason: "IPAllocated", message: "Assigned IP [\(list)]")
        case .refuse(let reason, let withdraws):
            let isNew = told.withLock { told in
                defer { told[key] = reason }
                return told[key] != reason
            }
            if isNew {
                recorder.record(
                    .warning, about: service, reason: "AllocationFailed",
                    message: "Failed to allocate IP for \(goQuoted(key.description)): \(reason)")
            }
            if withdraws, !request.current.isEmpty { try await publish([], nil, on: service) }
        }
    }

    /// A Service that is no longer of our type keeps no address of our pools; one of another class is its owner's.
    private func releaseIfOurs(_ service: Service) async throws {
        guard service.spec?.type != "LoadBalancer", service.metadata.deletionTimestamp == nil else { return }
        let published = LoadBalancerRequest.published(service)
        guard !published.isEmpty else { return }
        let isOurs =
            service.metadata.annotations?[LoadBalancerAnnotation.allocatedFrom] != nil
            || planner.withLock { planner in published.allSatisfy { !planner.numbers(ofPoolsWith: $0).isEmpty } }
        if isOurs { try await publish([], nil, on: service) }
    }

    /// Writes addresses and where they are from in one step.
    private func publish(_ addresses: [IPAddress], _ pool: String?, on service: Service) async throws {
        let ingress: JSONValue =
            addresses.isEmpty
            ? .null
            : .array(addresses.map { ["ip": .string($0.description), "ipMode": "VIP"] })
        let patch: JSONValue = [
            "metadata": [
                "resourceVersion": .string(service.metadata.resourceVersion ?? ""),
                "annotations": [
                    LoadBalancerAnnotation.allocatedFrom: pool.map { .string($0) } ?? .null,
                    LoadBalancerAnnotation.formerAllocatedFrom: .null,
                ],
            ],
            "status": ["loadBalancer": ["ingress": ingress]],
        ]
        let (name, namespace) = (service.metadata.name ?? "", service.metadata.namespace)
        do {
            services.absorb(
                try await client.patch(
                    Service.self, name, namespace: namespace, .merge(patch), subresource: "status"))
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        } catch {
            // What the server has decides. Where that can't be found out the addresses stay promised.
            let present = try await client.get(Service.self, name, namespace: namespace)
            services.absorb(present)
            planner.withLock { _ = $0.note(request(present), for: NamespacedName(service.metadata)) }
            throw error
        }
    }
}
