import KubeClient
import KubeModel
import Logging
import Synchronization

/// Keeps the EndpointSlices and the Endpoints object of every Service with a selector.
final class EndpointsController: Controller {
    let name = "endpoints-controller"
    private let client: APIClient
    private let services: Informer<Service>
    private let pods: Informer<Pod>
    private let nodes: Informer<Node>
    private let slices: Informer<EndpointSlice>
    private let endpoints: Informer<Endpoints>
    private let recorder: EventRecorder
    private let configuration: EndpointsControllerConfiguration
    private let logger: Logger
    // The mutex protects the trigger times; a key is with one worker at a time, so nothing spans two calls.
    private let triggerTimes = Mutex(TriggerTimes())

    init(_ context: ControllerContext, _ configuration: EndpointsControllerConfiguration) {
        client = context.client
        services = EndpointIndexes.services(context.informers)
        pods = EndpointIndexes.pods(context.informers)
        nodes = context.informers.informer()
        slices = EndpointIndexes.slices(context.informers)
        endpoints = context.informers.informer()
        recorder = context.recorder
        logger = context.logger
        self.configuration = configuration
    }

    func run() async throws {
        let queue = WorkQueue<NamespacedName>()
        var scope = HandlerScope()
        scope.add(services.addHandler { queue.add($0.key) })
        scope.add(
            pods.addHandler { [services] change in
                if case .updated(let old, let new) = change {
                    if Self.isSame(old, new) { return }
                    if old.metadata.labels != new.metadata.labels {
                        for key in EndpointIndexes.services(of: old, in: services.store) { queue.add(key) }
                    }
                }
                for key in EndpointIndexes.services(of: change.object, in: services.store) { queue.add(key) }
            })
        scope.add(
            nodes.addHandler { [services, pods] change in
                // A Pod's endpoint carries the zone of its node.
                switch change {
                case .updated(let old, let new): if old.zone == new.zone { return }
                case .added(let node), .deleted(let node): if node.zone == nil { return }
                }
                for pod in pods.store.objects(index: EndpointIndexes.podsByNode, change.object.metadata.name ?? "") {
                    for key in EndpointIndexes.services(of: pod, in: services.store) { queue.add(key) }
                }
            })
        scope.add(
            slices.addHandler { change in
                guard change.object.metadata.labels?[ServiceSlices.managedByLabel] == ServiceSlices.managedBy,
                    let owner = EndpointIndexes.owner(of: change.object)
                else { return }
                queue.add(owner)
            })
        scope.add(endpoints.addHandler { queue.add($0.key) })
        try await ControllerLoop(
            name: name, queue: queue, workers: configuration.concurrentServiceSyncs, logger: logger
        ) { [self] key in
            try await reconcile(key)
            return .settled
        }.run(after: [services, pods, nodes, slices, endpoints])
        _ = consume scope
    }

    /// Whether a Pod looks the same to Services: most updates of a Pod are about other things.
    private static func isSame(_ old: Pod, _ new: Pod) -> Bool {
        old.metadata.labels == new.metadata.labels
            && old.metadata.deletionTimestamp == new.metadata.deletionTimestamp && old.spec == new.spec
            && old.status?.phase == new.status?.phase
            && PodEndpoint.addresses(of: old) == PodEndpoint.addresses(of: new)
            && old.status?.conditions == new.status?.conditions
    }

    func reconcile(_ key: NamespacedName) async throws {
        let ours = slices.store.objects(index: EndpointIndexes.slicesByService, "\(key)").filter {
            $0.metadata.labels?[ServiceSlices.managedByLabel] == ServiceSlices.managedBy
                && $0.metadata.deletionTimestamp == nil
        }
        let writer = SliceWriter(client: client, slices: slices)
        guard let service = services.store[key], service.metadata.deletionTimestamp == nil,
            service.spec?.type != "ExternalName"
        else {
            triggerTimes.withLock { $0.forget(key) }
            for slice in ours { try await writer.delete(slice) }
            try await deleteEndpoints(key)
            return
        }
        // Somebody else looks after the endpoints of a Service without a selector.
        guard ServiceSlices.hasSelector(service) else { return }
        let selected = EndpointIndexes.pods(of: service, in: pods.store)
        let triggerTime = triggerTimes.withLock { $0.observe(service, pods: selected) }
        let plan = HealthMarks.keep(in: ours) { existing in
            SlicePlanner.plan(
                existing: existing,
                groups: ServiceSlices.groups(for: service, pods: selected) {
                    nodes.store[NamespacedName(namespace: "", name: $0)]?.zone
                },
                template: ServiceSlices.template(for: service, triggerTime: triggerTime),
                capacity: configuration.maxEndpointsPerSlice)
        }
        do {
            try await writer.apply(plan)
            try await writeEndpoints(service, selected, triggerTime)
        } catch let status as Status where status.isNamespaceTerminating {
            return
        } catch let status as Status where status.code == 422 {
            // The API server takes no such endpoint, and only the author of the Service or the Pods can help.
            recorder.record(
                .warning, about: service, reason: "FailedToUpdateEndpointSlices",
                message: "Error updating Endpoint Slices for Service \(key): \(status.message ?? "\(status)")")
            throw status
        }
    }

    private func writeEndpoints(_ service: Service, _ pods: [Pod], _ triggerTime: Timestamp?) async throws {
        let existing = endpoints.store[NamespacedName(service.metadata)]
        guard
            let wanted = LegacyEndpoints.plan(
                for: service, pods: pods, existing: existing, triggerTime: triggerTime)
        else { return }
        if existing == nil {
            endpoints.absorb(try await client.create(wanted))
            return
        }
        do {
            endpoints.absorb(try await client.update(wanted))
        } catch let status as Status where status.isNotFound {
            endpoints.absorbDeletion(of: NamespacedName(wanted.metadata), uid: wanted.metadata.uid)
            throw status
        }
    }

    private func deleteEndpoints(_ key: NamespacedName) async throws {
        guard let existing = endpoints.store[key],
            existing.metadata.labels?[LegacyEndpoints.managedByLabel] == LegacyEndpoints.managedBy
        else { return }
        do {
            try await client.delete(
                Endpoints.self, key.name, namespace: key.namespace, options: DeleteOptions(uid: existing.metadata.uid))
        } catch let status as Status where status.isNotFound {
            // Somebody was faster.
        }
        endpoints.absorbDeletion(of: key, uid: existing.metadata.uid)
    }
}
