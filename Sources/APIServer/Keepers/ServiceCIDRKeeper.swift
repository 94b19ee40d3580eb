import APIResources
import KubeModel
import Logging
import NetworkTypes
import Store
import Synchronization
import WatchCache

/// Keeps the ranges that cluster IPs come from in step with the stored ServiceCIDRs.
///
/// A ServiceCIDR counts from the moment its write is committed, before the client has the answer. One that is being
/// deleted gives out nothing more and goes when no Service depends on it (Kubernetes: the controllers `servicecidrs` and
/// `defaultservicecidr`). At start IPAddresses are made for stored Services that have none, and those that a lost Service
/// left behind are deleted.
final class ServiceCIDRKeeper: Sendable {
    private struct State {
        var observation: Observation?
        /// Being deleted, and waiting for their addresses.
        var terminating: Set<String> = []
        var isStopped = false
    }

    private let cidrs: ServedResource
    private let addresses: ServedResource
    private let services: ServedResource
    private let allocations: ServiceAllocations
    private let store: any Store
    private let loop: KeeperLoop
    private let state = Mutex(State())
    private let hasTerminating = Atomic(false)

    private static let defaultName = ServiceAllocations.defaultRangeName

    /// nil where Services or ServiceCIDRs are not served.
    init?(_ resources: ServedResources, store: any Store, loop: KeeperLoop) {
        guard let services = resources.find(group: "", version: "v1", plural: "services"),
            let cidrs = resources.find(group: "networking.k8s.io", version: "v1", plural: "servicecidrs"),
            let addresses = resources.find(group: "networking.k8s.io", version: "v1", plural: "ipaddresses"),
            let strategy = services.strategy as? ServiceStrategy
        else { return nil }
        self.cidrs = cidrs
        self.addresses = addresses
        self.services = services
        allocations = strategy.allocations
        self.store = store
        self.loop = loop
    }

    /// Takes over what is stored: the ranges, what Services hold of them, and what IPAddresses keep from Services. Called
    /// once, before the first request.
    func load(_ logger: Logger) {
        allocations.setServiceLookup { [services] namespace, name in
            // A stored object is JSON.
            services.cache.get(namespace: namespace, name: name).flatMap { try? services.served($0) }
        }
        for object in cidrs.cache.list(namespace: nil, labels: nil, fields: nil).items {
            // A stored object is JSON.
            if let document = try? cidrs.served(object) { take(document) }
        }
        var held: Set<IPAddress> = []
        let now = loop.now
        for service in allocations.takeRestored() {
            held.formUnion(service.addresses)
            report(service, logger)
            for address in service.addresses where addresses.cache.get(namespace: "", name: address.description) == nil
            {
                repair(
                    IPAddressDocument.creation(
                        of: address, service: service.name, namespace: service.namespace, now: now), logger)
            }
        }
        for object in addresses.cache.list(namespace: nil, labels: nil, fields: nil).items {
            guard let address = IPAddress(object.name), !held.contains(address) else { continue }
            if object.label(IPAddressDocument.managedByLabel) == IPAddressDocument.allocator {
                repair(IPAddressDocument.deletion(of: address), logger)
            } else {
                _ = allocations.reserve(address)
            }
        }
    }

    /// Makes the ServiceCIDR of the configured ranges, and from then on follows the stored ones.
    func start(_ logger: Logger) async {
        let prefix = cidrs.keyPrefix
        let observation = store.observe(prefix: prefix) { [weak self] events in
            for event in events { self?.follow(event, name: String(event.key.dropFirst(prefix.count))) }
        }
        state.withLock { $0.observation = observation }
        allocations.observeReleases { [weak self] in self?.recheck() }
        await makeDefault(logger)
        for object in cidrs.cache.list(namespace: nil, labels: nil, fields: nil).items { enqueue(object.name) }
    }

    func stop() {
        allocations.observeReleases(nil)
        let observation = state.withLock { state in
            state.isStopped = true
            return state.observation.take()
        }
        observation?.cancel()
    }

    // MARK: Following what is stored

    /// On the store's thread, before the write is answered.
    private func follow(_ event: StoreEvent, name: String) {
        if event.kind == .deleted {
            allocations.removeRanges(of: name)
            state.withLock { state in
                state.terminating.remove(name)
                hasTerminating.store(!state.terminating.isEmpty, ordering: .relaxed)
            }
        } else if let document = try? JSONParser.parse(event.value) {
            // A stored object is JSON.
            take(document)
        }
        enqueue(name)
        recheck()
    }

    private func take(_ document: JSONValue) {
        allocations.setRanges(
            of: document.text("metadata", "name"), ServiceCIDRStrategy.ranges(of: document),
            isReady: ServiceCIDRStrategy.isReady(document))
    }

    private func recheck() {
        guard hasTerminating.load(ordering: .relaxed) else { return }
        for name in state.withLock({ $0.terminating }) { enqueue(name) }
    }

    private func enqueue(_ name: String) {
        guard !state.withLock({ $0.isStopped }) else { return }
        loop.run { self.check(name) }
    }

    /// Looks at one ServiceCIDR as it is now: one that is being deleted goes, or says why it can't.
    private func check(_ name: String) {
        guard let object = cidrs.cache.get(namespace: "", name: name) else {
            if name == Self.defaultName { loop.write(.create(defaultDocument), to: defaultTarget) }
            return
        }
        // A stored object is JSON.
        guard let document = try? cidrs.served(object), document.at("metadata", "deletionTimestamp") != nil,
            document["metadata"]["finalizers"].array?.contains(.string(ServiceCIDRStrategy.finalizer)) == true
        else { return }
        state.withLock { state in
            state.terminating.insert(name)
            hasTerminating.store(true, ordering: .relaxed)
        }
        if allocations.canRemoveRanges(of: name) {
            change(name, nil) { document in
                let finalizers = (document["metadata"]["finalizers"].array ?? [])
                    .filter { $0 != .string(ServiceCIDRStrategy.finalizer) }
                document["metadata"]["finalizers"] = .array(finalizers)
            }
        } else if document.at("status", "conditions")?.array?.first?.text("reason") != "Terminating" {
            let now = loop.now
            change(name, .status) { document in
                document["status"] = [
                    "conditions": [
                        ServiceCIDRStrategy.readyCondition(
                            false, reason: "Terminating",
                            "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a "
                                + "new ServiceCIDR", now: now)
                    ]
                ]
            }
        }
    }

    private func change(
        _ name: String, _ subresource: Subresource?, _ edit: @escaping @Sendable (inout JSONValue) -> Void
    ) {
        // A failure leaves it as it is; the next change or start looks again.
        loop.write(.amend(edit), to: KeeperLoop.Target(resource: cidrs, name: name, subresource: subresource))
    }

    // MARK: The default

    private var defaultDocument: JSONValue {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
            "metadata": ["name": .string(Self.defaultName)],
            "spec": ["cidrs": .array(allocations.configuredRanges.map { .string($0.description) })],
        ]
    }

    private func makeDefault(_ logger: Logger) async {
        let configured = allocations.configuredRanges
        guard let object = cidrs.cache.get(namespace: "", name: Self.defaultName) else {
            if case .failure(let status) = await loop.write(.create(defaultDocument), to: defaultTarget) {
                logger.error("the default ServiceCIDR: \(status)")
            }
            return
        }
        // A stored object is JSON.
        let stored = (try? cidrs.served(object)).map(ServiceCIDRStrategy.ranges) ?? []
        if stored.count == 1, configured.count == 2, stored[0] == configured[0] {
            change(Self.defaultName, nil) { document in
                document["spec"]["cidrs"] = .array(configured.map { .string($0.description) })
            }
        } else if stored != configured {
            logger.warning(
                "the default ServiceCIDR \(stored) does not match the configured ranges \(configured): it stays as it is"
            )
        }
    }

    private var defaultTarget: KeeperLoop.Target { KeeperLoop.Target(resource: cidrs, name: Self.defaultName) }

    // MARK: Repair

    /// What one start could not repair the next one tries again.
    private func repair(_ write: Write, _ logger: Logger) {
        loop.settle(write, of: addresses) { failure in
            guard let failure else { return }
            logger.warning("an IPAddress is not as its Service has it", metadata: ["reason": "\(failure)"])
        }
    }

    private func report(_ service: ServiceAllocations.RestoredService, _ logger: Logger) {
        let addresses = service.refused.addresses.sorted() + allocations.strays(among: service.addresses)
        guard !addresses.isEmpty || !service.refused.ports.isEmpty else { return }
        logger.warning(
            "a stored Service holds what is outside the ranges or held twice",
            metadata: [
                "service": "\(service.namespace)/\(service.name)", "addresses": "\(addresses)",
                "nodePorts": "\(service.refused.ports.sorted())",
            ])
    }
}
