import KubeClient
import KubeModel
import Logging
import NetworkTypes

/// Gives Services of type LoadBalancer addresses from AddressPools.
final class LoadBalancerController: Controller {
    let name = "load-balancer-controller"
    private let client: APIClient
    private let services: Informer<Service>
    private let pools: Informer<AddressPool>
    private let recorder: EventRecorder
    private let configuration: LoadBalancerControllerConfiguration
    private let logger: Logger

    private static let byAddress = "loadBalancerAddress"
    private static let waiting = "loadBalancerWaiting"

    enum Key: Hashable, Sendable, CustomStringConvertible {
        case service(NamespacedName)
        case pool(String)

        var description: String {
            switch self {
            case .service(let key): "Service \(key)"
            case .pool(let name): "AddressPool \(name)"
            }
        }
    }

    init(_ context: ControllerContext, _ configuration: LoadBalancerControllerConfiguration) {
        client = context.client
        services = context.informers.informer(indexes: [
            Self.byAddress: { service in
                service.spec?.type == "LoadBalancer"
                    ? LoadBalancerRequest.published(service).map(\.description) : []
            },
            Self.waiting: { service in
                service.spec?.type == "LoadBalancer" && LoadBalancerRequest.published(service).isEmpty ? ["yes"] : []
            },
        ])
        pools = context.informers.informer()
        recorder = context.recorder
        logger = context.logger
        self.configuration = configuration
    }

    func run() async throws {
        let queue = WorkQueue<Key>()
        var scope = HandlerScope()
        scope.add(
            services.addHandler { [self] change in
                var before: [IPAddress] = []
                var after: [IPAddress] = []
                switch change {
                case .added(let service): after = LoadBalancerRequest.published(service)
                case .deleted(let service): before = LoadBalancerRequest.published(service)
                case .updated(let old, let new):
                    before = LoadBalancerRequest.published(old)
                    after = LoadBalancerRequest.published(new)
                    if before == after, old.spec == new.spec, old.metadata.annotations == new.metadata.annotations,
                        old.metadata.deletionTimestamp == new.metadata.deletionTimestamp
                    {
                        return
                    }
                }
                if change.object.spec?.type == "LoadBalancer" || !before.isEmpty || !after.isEmpty {
                    queue.add(.service(change.key))
                }
                if before != after {
                    for key in pools.store.keys { queue.add(.pool(key.name), after: .milliseconds(20)) }
                }
                // An address that became free may be what others wait for, as may changed ports of one that is shared.
                if !before.isEmpty { addWaiting(to: queue) }
            })
        scope.add(
            pools.addHandler { [self] change in
                if case .updated(let old, let new) = change, old.spec == new.spec { return }
                queue.add(.pool(change.key.name))
                addWaiting(to: queue)
                for address in services.store.values(ofIndex: Self.byAddress) {
                    for service in services.store.objects(index: Self.byAddress, address) {
                        queue.add(.service(NamespacedName(service.metadata)))
                    }
                }
            })
        // One worker: two at a time could choose the same address.
        try await ControllerLoop(name: name, queue: queue, workers: 1, logger: logger) { [self] key in
            switch key {
            case .service(let key): try await reconcile(service: key)
            case .pool(let name): try await reconcile(pool: name)
            }
            return .settled
        }.run(after: [services, pools])
        _ = consume scope
    }

    private func addWaiting(to queue: WorkQueue<Key>) {
        for service in services.store.objects(index: Self.waiting, "yes") {
            queue.add(.service(NamespacedName(service.metadata)))
        }
    }

    func reconcile(service key: NamespacedName) async throws {
        guard let service = services.store[key] else { return }
        let planner = LoadBalancerPlanner(pools: pools.store.snapshot().values.map { PoolAddresses($0) })
        guard let request = LoadBalancerRequest(service, loadBalancerClass: configuration.loadBalancerClass) else {
            return try await releaseIfOurs(service, planner)
        }
        switch planner.decide(request, holders: holders(of:)) {
        case .keep: return
        case .assign(let addresses, let pool):
            try await publish(addresses, on: service)
            let text = addresses.map(\.description).joined(separator: ", ")
            recorder.record(
                .normal, about: service, reason: "IPAllocated", message: "Assigned \(text) from AddressPool \(pool)")
        case .refuse(let reason):
            recorder.record(
                .warning, about: service, reason: "AllocationFailed",
                message: "Failed to allocate an address for \"\(key)\": \(reason)")
            if !request.current.isEmpty { try await publish([], on: service) }
        }
    }

    private func holders(of address: IPAddress) -> [LoadBalancerRequest] {
        services.store.objects(index: Self.byAddress, address.description).compactMap {
            LoadBalancerRequest($0, loadBalancerClass: configuration.loadBalancerClass)
        }
    }

    /// A Service that is no longer of our type keeps no address of our pools; one of another class is its owner's.
    private func releaseIfOurs(_ service: Service, _ planner: LoadBalancerPlanner) async throws {
        guard service.spec?.type != "LoadBalancer", service.metadata.deletionTimestamp == nil else { return }
        let published = LoadBalancerRequest.published(service)
        guard !published.isEmpty, published.allSatisfy({ address in planner.pools.contains { $0.contains(address) } })
        else { return }
        try await publish([], on: service)
    }

    private func publish(_ addresses: [IPAddress], on service: Service) async throws {
        let ingress: JSONValue =
            addresses.isEmpty
            ? .null
            : .array(addresses.map { ["ip": .string($0.description), "ipMode": "VIP"] })
        let patch: JSONValue = [
            "metadata": ["resourceVersion": .string(service.metadata.resourceVersion ?? "")],
            "status": ["loadBalancer": ["ingress": ingress]],
        ]
        do {
            let written = try await client.patch(
                Service.self, service.metadata.name ?? "", namespace: service.metadata.namespace, .merge(patch),
                subresource: "status")
            services.absorb(written)
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }

    func reconcile(pool name: String) async throws {
        guard let pool = pools.store.get(name) else { return }
        let addresses = PoolAddresses(pool)
        let allocated = services.store.values(ofIndex: Self.byAddress).filter { text in
            IPAddress(text).map { addresses.contains($0) } ?? false
        }.count
        if let invalid = addresses.invalid.first {
            recorder.record(
                .warning, about: pool, reason: "InvalidAddresses",
                message: "\"\(invalid)\" is neither a CIDR, a range nor an address")
        }
        guard pool.status?.total != addresses.count || pool.status?.allocated != allocated else { return }
        let patch: JSONValue = [
            "status": ["total": .integer(Int64(addresses.count)), "allocated": .integer(Int64(allocated))]
        ]
        do {
            let written = try await client.patch(AddressPool.self, name, .merge(patch), subresource: "status")
            pools.absorb(written)
        } catch let status as Status where status.isNotFound {
            // It is gone; the watch will tell.
        }
    }
}
